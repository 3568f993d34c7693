import type { Environment } from "./hook.ts";

/** Whether stdout may have colours; see https://no-color.org. */
export function isColoured(env: Environment): boolean {
  return process.stdout.isTTY === true && !env["NO_COLOR"] && env["TERM"] !== "dumb";
}
