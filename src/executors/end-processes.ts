import { errorCode } from "../host/files.ts";
import { descendants, liveness, type ProcessIdentity, processesOf } from "../host/proc.ts";
import { TOKEN_VARIABLE } from "./site.ts";

const POLL_MILLISECONDS = 50;
/** A supervisor that got TERM needs a little longer than the time it gives its stage. */
const SUPERVISOR_MARGIN_MILLISECONDS = 2000;
const LEFTOVER_GRACE_MILLISECONDS = 2000;

/**
 * Ends a stage that still runs: TERM to its supervisor, which ends everything below it; KILL to it and all its
 * descendants when `killTimeout` (milliseconds) is over.
 */
export async function endRunningStage(
  supervisor: ProcessIdentity,
  killTimeout: number,
): Promise<void> {
  if (liveness(supervisor) !== "alive") return;
  const { pid } = supervisor;
  signalAll([pid], "SIGTERM");
  const gone = () => liveness(supervisor) !== "alive";
  if (await waitUntil(gone, killTimeout + SUPERVISOR_MARGIN_MILLISECONDS)) return;
  signalAll([...descendants(pid), pid], "SIGKILL");
  await waitUntil(gone, LEFTOVER_GRACE_MILLISECONDS);
}

/** Ends what a killed supervisor left: processes that carry the attempt's token or live in its container. */
export async function endLeftovers(attempt: {
  readonly uid: number;
  readonly token: string;
  readonly scripts: string;
}): Promise<number> {
  const find = () =>
    processesOf({
      uid: attempt.uid,
      entry: `${TOKEN_VARIABLE}=${attempt.token}`,
      mountPoint: attempt.scripts,
    });
  const found = find();
  if (found.length === 0) return 0;
  signalAll(found, "SIGTERM");
  if (await waitUntil(() => find().length === 0, LEFTOVER_GRACE_MILLISECONDS)) return found.length;
  await waitUntil(() => {
    const left = find();
    signalAll(left, "SIGKILL");
    return left.length === 0;
  }, LEFTOVER_GRACE_MILLISECONDS);
  return found.length;
}

function signalAll(pids: Iterable<number>, signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      // Gone already, or a set-user-ID program that is not ours to end.
      if (!["ESRCH", "EPERM"].includes(errorCode(error))) throw error;
    }
  }
}

async function waitUntil(condition: () => boolean, milliseconds: number): Promise<boolean> {
  const deadline = performance.now() + milliseconds;
  for (;;) {
    if (condition()) return true;
    if (performance.now() >= deadline) return false;
    await Bun.sleep(POLL_MILLISECONDS);
  }
}
