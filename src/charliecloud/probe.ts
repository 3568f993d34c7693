import { runCommand } from "../host/process.ts";

/** What an image offers to the job's scripts. */
export interface ImageShell {
  /** Absolute path, inside the image, of a shell that starts the driver's entry program. */
  readonly interpreter: string;
  /** The shell that runs the job's scripts: Bash, or a `sh` that understands what gitlab-runner writes. */
  readonly shell: string;
  readonly isBash: boolean;
}

export interface ProbeResult {
  readonly shell: ImageShell | undefined;
  /** Programs asked for that the image's PATH does not have. */
  readonly missing: readonly string[];
}

/** Or why the image does not start, in the words of what said so. */
export type ProbeAnswer = ProbeResult | { readonly failure: string };

export interface ProbeRequest {
  /** The whole environment of ch-run. */
  readonly env: Readonly<Record<string, string>>;
  /** Where the job's stages will start ch-run. */
  readonly cwd: string;
  readonly programs: readonly string[];
  readonly signal: AbortSignal;
}

const PROBE_MILLISECONDS = 120_000;
const MARK = "jacamar-probe";

/**
 * Starts the image once, with the options that the job's scripts will have: what is wrong with image, mounts, options
 * or host shows here, before any script runs.
 *
 * @param command a ch-run command line up to and including `--`
 */
export async function probeImage(
  command: readonly string[],
  { env, cwd, programs, signal }: ProbeRequest,
): Promise<ProbeAnswer> {
  const run = await runCommand([...command, "/bin/sh", "-c", probeScript(programs)], {
    env,
    cwd,
    timeout: PROBE_MILLISECONDS,
    signal,
  });
  const answer = new Map(
    run.stdout
      .split("\n")
      .filter((line) => line.startsWith(`${MARK} `))
      .map((line) => [line.split(" ")[1] ?? "", line.split(" ").slice(2).join(" ")]),
  );
  if (!answer.has("end")) return { failure: lastWords(run.stderr) || `ch-run ${run.description}` };
  return {
    shell: chooseShell(answer.get("bash") ?? "", answer.get("eval") === "42"),
    missing: programs.filter((program) => !answer.get(program)),
  };
}

/** gitlab-runner's scripts quote their text as $'…', which not every sh knows. */
function probeScript(programs: readonly string[]): string {
  const ask = programs.map((p) => `echo "${MARK} ${p} $(command -v ${p})"`).join("; ");
  return `( eval $'exit 42' ) 2> /dev/null; echo "${MARK} eval $?"; ${ask}; echo "${MARK} end"`;
}

function chooseShell(bash: string, shIsEnough: boolean): ImageShell | undefined {
  if (bash.startsWith("/")) return { interpreter: bash, shell: bash, isBash: true };
  return shIsEnough ? { interpreter: "/bin/sh", shell: "/bin/sh", isBash: false } : undefined;
}

function lastWords(stderr: string): string {
  const lines = stderr.split("\n").filter((line) => line.trim() !== "");
  const errors = lines.filter((line) => line.includes("error"));
  return (errors.pop() ?? lines.pop() ?? "").trim();
}
