import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { binaryPath } from "../binary.ts";
import { mustRun } from "../fixtures/must-run.ts";

export interface Tried {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A user's working directory, where the compiled program tries jobs. */
export interface TrySite {
  readonly dir: string;
  /** Working directory. */
  readonly work: string;
  readonly home: string;
  /** `jacamar try` with these words, in the working directory. */
  start(
    words: readonly string[],
    env?: Readonly<Record<string, string>>,
  ): Bun.Subprocess<"ignore", "pipe", "pipe">;
  run(words: readonly string[], env?: Readonly<Record<string, string>>): Promise<Tried>;
  /** What runs have left in TMPDIR and in the home. */
  leftovers(): string[];
  git(...words: string[]): string;
  close(): void;
}

/** `user`: who tries, default is the test's. */
export function makeTrySite(user?: { readonly uid: number; readonly gid: number }): TrySite {
  const dir = mkdtempSync("/var/tmp/jacamar-try-test-");
  chmodSync(dir, 0o755);
  const [work, home, tmp] = [`${dir}/work`, `${dir}/home`, `${dir}/tmp`];
  for (const path of [work, home, tmp]) {
    mkdirSync(path);
    if (user) chownSync(path, user.uid, user.gid);
  }
  let program = binaryPath();
  if (user) {
    // Another user may not be able to enter the directory that holds the build.
    program = `${dir}/jacamar`;
    cpSync(binaryPath(), program);
    chmodSync(program, 0o755);
  }
  const start: TrySite["start"] = (words, env = {}) =>
    Bun.spawn([program, "try", ...words], {
      cwd: work,
      env: { PATH: "/usr/bin:/bin", HOME: home, TMPDIR: tmp, ...env },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      ...(user && { uid: user.uid, gid: user.gid }),
    });
  return {
    dir,
    work,
    home,
    start,
    async run(words, env) {
      const child = start(words, env);
      const [stdout, stderr, status] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
        child.exited,
      ]);
      return { status, stdout, stderr };
    },
    leftovers: () => [...readdirSync(tmp), ...readdirSync(home)],
    git: (...words) =>
      mustRun(["git", "-C", work, "-c", "user.name=t", "-c", "user.email=t@example.org", ...words]),
    close: () => rmSync(dir, { recursive: true }),
  };
}
