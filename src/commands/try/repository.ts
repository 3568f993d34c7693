import { copyFileSync, existsSync, writeFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { SystemFailure } from "../../host/failure.ts";
import { runCommand } from "../../host/process.ts";

/** Where the job's `get_sources` fetches from. */
export interface Repository {
  /** The name of the working tree's directory. */
  readonly name: string;
  /** A bare repository with one branch. */
  readonly url: string;
  readonly ref: string;
  readonly sha: string;
  /** Whether the working tree has something that HEAD does not have. */
  readonly isDirty: boolean;
}

const GIT_MILLISECONDS = 60_000;
/** What a detached HEAD is called. */
const DETACHED = "detached";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Makes a bare repository at `place` whose only branch is HEAD of the repository that `cwd` lies in. It borrows the
 * objects of that one, so nothing is copied and nothing of the user's is changed.
 *
 * @returns A message when there is no commit to fetch.
 * @throws SystemFailure when git cannot make it
 */
export async function borrowRepository(
  cwd: string,
  place: string,
  env: Environment,
): Promise<Repository | { readonly nothing: string }> {
  const git = gitIn(cwd, env);
  const top = await git("rev-parse", "--show-toplevel");
  if (!top.ok) return { nothing: `${cwd} is in no Git repository (${top.text})` };
  const head = await git("rev-parse", "--verify", "HEAD^{commit}");
  if (!head.ok) return { nothing: `the repository ${top.text} has no commit` };
  const branch = await git("symbolic-ref", "--short", "HEAD");
  const ref = branch.ok ? branch.text : DETACHED;
  const sha = head.text;
  const path = async (name: string) =>
    resolve(cwd, must(await git("rev-parse", "--git-path", name)));
  const format = sha.length === 64 ? ["--object-format=sha256"] : [];
  must(await git("init", "--quiet", "--bare", ...format, place));
  writeFileSync(`${place}/objects/info/alternates`, `${await path("objects")}\n`);
  const shallow = await path("shallow");
  if (existsSync(shallow)) copyFileSync(shallow, `${place}/shallow`);
  must(await git("--git-dir", place, "update-ref", `refs/heads/${ref}`, sha));
  const status = await git("status", "--porcelain");
  const isDirty = status.ok && status.text !== "";
  return { name: basename(top.text), url: place, ref, sha, isDirty };
}

interface Answer {
  readonly ok: boolean;
  /** Output, or why there is none. */
  readonly text: string;
}

function gitIn(cwd: string, env: Environment): (...words: string[]) => Promise<Answer> {
  const given = Object.entries(env).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, value]],
  );
  return async (...words) => {
    const { outcome, status, stdout, stderr, description } = await runCommand(["git", ...words], {
      cwd,
      env: { ...Object.fromEntries(given), GIT_OPTIONAL_LOCKS: "0" },
      timeout: GIT_MILLISECONDS,
    });
    if (outcome === "exited" && status === 0) return { ok: true, text: stdout.trimEnd() };
    const [line = ""] = stderr.trim().split("\n");
    return { ok: false, text: line || `git ${words[0]} ${description}` };
  };
}

function must(answer: Answer): string {
  if (answer.ok) return answer.text;
  throw new SystemFailure(
    `cannot hand the repository to the job: ${answer.text}; --no-git runs it without`,
  );
}
