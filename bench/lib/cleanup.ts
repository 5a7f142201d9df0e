type Cleanup = () => void | Promise<void>;

/** What is to be cleared away, the latest first, also when the benchmark is interrupted. */
const pending: Cleanup[] = [];
let interrupted = false;

/** Does the work and clears away behind it, whether it succeeds, fails, or the user interrupts it (exit code 130). */
export async function cleanly<T>(cleanup: Cleanup, work: () => Promise<T>): Promise<T> {
  if (pending.length === 0) process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  pending.unshift(cleanup);
  try {
    return await work();
  } finally {
    // What fails because it was interrupted is nobody's news, and must not end the process while it is clearing away.
    if (interrupted) await new Promise(() => undefined);
    await forget(cleanup);
  }
}

async function forget(cleanup: Cleanup): Promise<void> {
  const at = pending.indexOf(cleanup);
  if (at < 0) return;
  pending.splice(at, 1);
  if (pending.length === 0) process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  await cleanup();
}

function interrupt(): void {
  if (interrupted) return;
  interrupted = true;
  console.error('interrupted: clearing away …');
  void clearAll();
}

async function clearAll(): Promise<void> {
  while (pending.length > 0) {
    const cleanup = pending.shift();
    try {
      await cleanup?.();
    } catch (error) {
      console.error(error);
    }
  }
  process.exit(130);
}
