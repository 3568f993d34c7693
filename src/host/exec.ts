import { dlopen } from "bun:ffi";

const PR_SET_CHILD_SUBREAPER = 36;

/**
 * Replaces this process by another program. What that program starts can then never leave the process tree below it:
 * orphans become its children (child subreaper), which is how a stage is ended whole.
 *
 * @throws when the program cannot be executed
 */
export function replaceBy(
  file: string,
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
): never {
  const libc = dlopen("libc.so.6", {
    prctl: { args: ["i32", "u64", "u64", "u64", "u64"], returns: "i32" },
  });
  if (libc.symbols.prctl(PR_SET_CHILD_SUBREAPER, 1n, 0n, 0n, 0n) !== 0) {
    throw new Error(
      "this kernel has no child subreapers: a job's processes could not be found again",
    );
  }
  // Bun ignores these two, which the next program would inherit; a handler becomes the default action on exec.
  process.on("SIGPIPE", ignore);
  process.on("SIGXFSZ", ignore);
  if (process.execve === undefined) throw new Error("this system has no execve");
  process.execve(file, argv, env);
  throw new Error(`execve of ${file} came back`);
}

function ignore(): void {}
