import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";

/** Everything that one run of `--version` did which an environment variable could change. */
export interface Observation {
  /** The exit status, or the signal that ended it. */
  readonly ended: number | string;
  readonly stdout: string;
  readonly stderr: string;
  /** Files that were not there before, below the working, home and temporary directory. */
  readonly written: readonly string[];
  /** Connections to the debugger that `Trap` plays. */
  readonly connections: number;
}

/** A directory with code that must not run and sockets nobody must call. */
export interface Trap {
  readonly directory: string;
  /** A script that writes a file and prints a line. */
  readonly evil: string;
  /** A file that a variable may be made to name; does not exist. */
  readonly target: string;
  /** A socket on which the trap listens and counts. */
  readonly debuggerSocket: string;
  /** A socket path on which nothing listens. */
  readonly freeSocket: string;
  readonly connections: () => number;
  readonly remove: () => void;
}

/** Sets the trap up in a fresh directory; the working directory has the files that Bun reads by default. */
export async function setTrap(): Promise<Trap> {
  const directory = mkdtempSync("/var/tmp/jacamar-trap-");
  const work = join(directory, "work");
  for (const name of ["work", "home", "tmp"]) mkdirSync(join(directory, name));
  const evil = join(directory, "evil.js");
  const spoils = JSON.stringify(join(work, "spoils"));
  writeFileSync(evil, `require("node:fs").writeFileSync(${spoils}, "");\nconsole.log("evil");\n`);
  writeFileSync(join(work, "bunfig.toml"), `preload = [${JSON.stringify(evil)}]\n`);
  writeFileSync(join(work, ".env"), `BUN_OPTIONS=--preload=${evil}\nBUN_BE_BUN=1\n`);
  writeFileSync(
    join(work, "package.json"),
    '{"name":"evil","version":"6.6.6","type":"commonjs"}\n',
  );
  writeFileSync(join(work, "tsconfig.json"), '{"extends":"./missing.json"}\n');

  let count = 0;
  const debuggerSocket = join(directory, "debugger.sock");
  const server = await listen(debuggerSocket, () => {
    count++;
  });
  return {
    directory,
    evil,
    target: join(work, "target"),
    debuggerSocket,
    freeSocket: join(work, "free.sock"),
    connections: () => count,
    remove: () => {
      server.close();
      rmSync(directory, { recursive: true });
    },
  };
}

/**
 * Runs `command --version` in the trap with `variables` and little else in its environment, for at most `limit`
 * milliseconds.
 */
export async function observe(
  command: readonly string[],
  trap: Trap,
  variables: Readonly<Record<string, string>>,
  limit = 10_000,
): Promise<Observation> {
  const places = ["work", "home", "tmp"].map((name) => join(trap.directory, name));
  const before = places.map(listing);
  const connectionsBefore = trap.connections();
  const child = Bun.spawn([...command, "--version"], {
    cwd: join(trap.directory, "work"),
    env: {
      PATH: "/usr/bin:/bin",
      HOME: join(trap.directory, "home"),
      TMPDIR: join(trap.directory, "tmp"),
      ...variables,
    },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    // With a debugger let in it waits for the debugger's user.
    timeout: limit,
    killSignal: "SIGKILL",
  });
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  await child.exited;
  const written = places.flatMap((place, index) =>
    listing(place).filter((name) => !before[index]?.includes(name)),
  );
  for (const name of written)
    for (const place of places) rmSync(join(place, name), { recursive: true, force: true });
  return {
    ended: child.signalCode ?? child.exitCode ?? "?",
    stdout,
    stderr,
    written,
    connections: trap.connections() - connectionsBefore,
  };
}

function listing(directory: string): string[] {
  return readdirSync(directory, { recursive: true }).map(String).sort();
}

function listen(path: string, onConnection: () => void): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      onConnection();
      socket.destroy();
    });
    server.once("error", reject);
    server.listen(path, () => resolve(server));
  });
}
