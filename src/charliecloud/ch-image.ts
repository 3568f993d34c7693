import { runCommand } from "../host/process.ts";
import type { PullProblem } from "../plan/pull-refusal.ts";

export interface PullRequest {
  /** Absolute path of ch-image. */
  readonly chImage: string;
  /** What to pull, e.g. `registry.example/group/image:tag`. */
  readonly reference: string;
  /** The name it gets in the storage, when not its own. */
  readonly destination?: string;
  /** The whole environment, account and storage included. */
  readonly env: Readonly<Record<string, string>>;
  readonly onLine: (line: string) => void;
  readonly signal: AbortSignal;
}

/** `busy`: somebody else's ch-image works on the storage. */
export type PullFailure = PullProblem | "busy";

/** ch-image's messages are not a stable interface: fragments that 0.31 to 0.45 share, without quotation marks. */
const FAILURES: readonly (readonly [RegExp, PullFailure])[] = [
  [/storage directory is already in use/, "busy"],
  [
    /unauthorized or not in registry|no further authentication possible|EOF when prompting|EOFError|expected status .* but got 40[134]\b/,
    "denied",
  ],
  [/No space left on device|Disk quota exceeded/, "no-space"],
  [/WRONG_VERSION_NUMBER/, "no-tls"],
  [/CERTIFICATE_VERIFY_FAILED|SSLError/, "untrusted"],
  [
    /requested arch unavailable|error: image is architecture-unaware|could not be opened successfully/,
    "unsuitable",
  ],
  [/GET failed|HTTPSConnectionPool|rate limit exceeded|Connection reset|timed out/, "unreachable"],
];

/** What ch-image said, by who can do something about it. */
export function classifyPull(stderr: string): PullFailure {
  return FAILURES.find(([pattern]) => pattern.test(stderr))?.[1] ?? "other";
}

/** `undefined`: the image is in the storage. Else the class of the failure and ch-image's own last words. */
export async function pullImage(
  request: PullRequest,
): Promise<{ readonly failure: PullFailure; readonly said: string } | undefined> {
  const argv = pullArgv(request.chImage, request.reference, request.destination);
  const { env, onLine, signal } = request;
  const run = await runCommand(argv, { env, cwd: "/", onLine, signal });
  if (run.outcome === "exited" && run.status === 0) return undefined;
  if (run.outcome === "cancelled") return { failure: "cancelled", said: run.description };
  const said = lastError(run.stderr) || `ch-image ${run.description}`;
  return { failure: classifyPull(run.stderr), said };
}

export function pullArgv(
  chImage: string,
  reference: string,
  destination: string | undefined,
): string[] {
  const names = destination === undefined || destination === reference ? [] : [destination];
  return [chImage, "pull", reference, ...names];
}

/** Removes an image from the storage. The outcome does not matter to the job: what stays is pulled over. */
export async function deleteImage(
  chImage: string,
  reference: string,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  await runCommand([chImage, "delete", reference], { env, cwd: "/", timeout: 600_000 });
}

function lastError(stderr: string): string {
  const errors = stderr.split("\n").filter((line) => /error:|Error:/.test(line));
  return (errors.pop() ?? "").trim();
}
