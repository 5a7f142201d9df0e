import { type Client, ScheduleClient, type ScheduleDescription, type ScheduleUpdateOptions } from '@temporalio/client';

/**
 * Updates a schedule only while it is as it was described: the SDK's own update names nothing that it saw, so that of two that begin with the
 * same the later one wins, and takes a pause in between back. The server leaves an update that comes too late undone, and need not say so.
 * @throws what `make` throws, and what the client throws
 */
export async function updateAsSeen(
  client: Client,
  scheduleId: string,
  make: (seen: ScheduleDescription) => ScheduleUpdateOptions,
): Promise<void> {
  const { connection, options } = client.schedule;
  const { dataConverter, identity, namespace } = options;
  const seen = new SeenClient({ connection, dataConverter, identity, namespace });
  await seen.getHandle(scheduleId).update((description) => {
    seen.token = description.raw.conflictToken ?? undefined;
    return make(description) as never;
  });
}

/** One update: its request carries the token of the description that it was made from. */
class SeenClient extends ScheduleClient {
  token: Uint8Array | undefined;

  override get workflowService(): ScheduleClient['workflowService'] {
    const service = super.workflowService;
    const token = () => this.token;
    return new Proxy(service, {
      get(target, name) {
        if (name !== 'updateSchedule') return Reflect.get(target, name, target);
        return (request: Parameters<typeof target.updateSchedule>[0]) =>
          target.updateSchedule({ ...request, conflictToken: token() ?? new Uint8Array() });
      },
    });
  }
}
