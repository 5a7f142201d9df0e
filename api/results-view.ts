import type { Client } from '@temporalio/client';
import { messageOf } from '../domain/errors.ts';
import { RESULTS_OUT, type ResultsOutView, resultsOutWorkflowId } from '../workflows/messages.ts';
import type { ReadyCheck } from './contract.ts';

/** A worker answers at once, or none is there. Milliseconds. */
const ANSWER_MS = 2_000;

/** How the sending of results stands, as one check; undefined without sinks. Never rejects. */
export function createResultsCheck(client: Client, sinks: readonly string[]): (() => Promise<ReadyCheck>) | undefined {
  if (sinks.length === 0) return undefined;
  return async () => {
    const all = await Promise.all(sinks.map((sink) => oneOf(client, sink)));
    const wrong = all.filter(({ fine }) => !fine);
    const texts = (wrong.length > 0 ? wrong : all).map(({ text }) => text);
    return { name: 'results', needed: false, state: wrong.length > 0 ? 'problem' : 'ok', detail: texts.join('; ') };
  };
}

async function oneOf(client: Client, sink: string): Promise<{ fine: boolean; text: string }> {
  try {
    const handle = client.workflow.getHandle(resultsOutWorkflowId(sink));
    return textOf(
      await client.withDeadline(Date.now() + ANSWER_MS, () => handle.query<ResultsOutView>(RESULTS_OUT.view)),
    );
  } catch (error) {
    return {
      fine: false,
      text: `${sink}: not known (${messageOf(error)}); is an orchestrator with this sink running?`,
    };
  }
}

/** One sink in words. */
export function textOf({ sink, sent, behind, failure, stopped }: ResultsOutView): { fine: boolean; text: string } {
  const waits = behind === 0 ? 'nothing waits' : `${behind} commit${behind === 1 ? '' : 's'} wait`;
  if (stopped !== undefined) {
    return {
      fine: false,
      text: `${sink}: asked for no more results at ${stopped}; change its address, or take it out`,
    };
  }
  if (failure !== undefined) return { fine: false, text: `${sink}: ${failure.text}, since ${failure.since}; ${waits}` };
  return { fine: true, text: `${sink}: ${sent} sent, ${waits}` };
}
