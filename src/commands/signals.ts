import type { Outcome } from "../plan/outcome.ts";

/** Runs `work` with a signal that fires on TERM, INT or HUP; then the outcome is `cancelled`, whatever `work` says. */
export async function untilSignal(
  work: (signal: AbortSignal) => Promise<Outcome>,
): Promise<Outcome> {
  const controller = new AbortController();
  let received = "";
  for (const name of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    process.on(name, () => {
      received ||= name;
      controller.abort(new Error(`cancelled by ${name}`));
    });
  }
  try {
    const outcome = await work(controller.signal);
    return received === "" ? outcome : cancelled(received);
  } catch (error) {
    if (received === "") throw error;
    return cancelled(received);
  }
}

function cancelled(name: string): Outcome {
  return { kind: "cancelled", message: `cancelled by ${name}` };
}
