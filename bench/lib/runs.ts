import type { Client } from '@temporalio/client';

/** One run of a workflow, as its history tells it. */
export interface RunFigures {
  readonly run: string;
  readonly events: number;
  readonly bytes: number;
  /** Bytes of the input: of a run that continues another one, the state that was carried. */
  readonly input: number;
  /** The largest set of payloads of one event: what Temporal's limit of 2 MiB is for. */
  readonly largest: { readonly bytes: number; readonly event: string };
}

/** All runs of a workflow that continued as new, first to last. */
export async function runsOf(client: Client, workflow: string, firstRun: string): Promise<RunFigures[]> {
  const runs: RunFigures[] = [];
  for (let run: string | undefined = firstRun; run !== undefined; ) {
    const { figures, next } = await readRun(client, workflow, run);
    runs.push(figures);
    run = next;
  }
  return runs;
}

/** Events of history in pages: whole histories of a hundred runs would not fit into one answer, nor need to. */
async function readRun(client: Client, workflow: string, run: string) {
  const { namespace } = client.options;
  const execution = { workflowId: workflow, runId: run };
  const described = await client.workflowService.describeWorkflowExecution({ namespace, execution });
  let events = 0;
  let input = 0;
  let largest = { bytes: 0, event: '' };
  let next: string | undefined;
  let nextPageToken: Uint8Array | undefined;
  do {
    const page = await client.workflowService.getWorkflowExecutionHistory({
      namespace,
      execution,
      maximumPageSize: 1_000,
      ...(nextPageToken !== undefined && { nextPageToken }),
    });
    for (const event of page.history?.events ?? []) {
      events += 1;
      const found = largestPayloads(event);
      if (events === 1) input = payloadBytes(event.workflowExecutionStartedEventAttributes?.input);
      if (found > largest.bytes) largest = { bytes: found, event: attributesOf(event) };
      next = event.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? next;
    }
    nextPageToken = page.nextPageToken?.length ? page.nextPageToken : undefined;
  } while (nextPageToken !== undefined);
  const bytes = Number(described.workflowExecutionInfo?.historySizeBytes ?? 0);
  return { figures: { run, events, bytes, input, largest }, next };
}

/** `activityTaskScheduled` and the like: the one member that says what the event is. */
function attributesOf(event: object): string {
  const member = Object.entries(event).find(([name, value]) => name.endsWith('EventAttributes') && value != null)?.[0];
  return member?.replace('EventAttributes', '') ?? '';
}

function payloadBytes(set: { payloads?: { data?: Uint8Array | null }[] | null } | null | undefined): number {
  return (set?.payloads ?? []).reduce((sum, { data }) => sum + (data?.length ?? 0), 0);
}

/** The largest `payloads` anywhere within a message. */
function largestPayloads(value: unknown): number {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return 0;
  const here = 'payloads' in value && Array.isArray(value.payloads) ? payloadBytes(value as never) : 0;
  return Object.values(value).reduce((most: number, each) => Math.max(most, largestPayloads(each)), here);
}
