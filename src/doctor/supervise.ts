import { mkdtempSync } from "node:fs";
import { hostname } from "node:os";
import { descendants } from "../host/proc.ts";
import { removeTree } from "../host/remove-tree.ts";
import type { User } from "../host/user.ts";
import { plainSettings } from "./configuration.ts";
import type { Context } from "./context.ts";
import type { Finding, Probe } from "./finding.ts";
import { type Answers, brokenProbe, type Part } from "./parts.ts";
import { PROBES } from "./probes.ts";
import type { Report } from "./report.ts";
import type { SupportFile } from "./support.ts";

/** More than a probe's own commands may take one after the other. */
const PATIENCE_SECONDS = 35;
const AT_ONCE = 4;
/** A login shell that did not answer has none, so that probes look where distributions put programs. */
const STAND_IN_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";

export interface Examination {
  readonly configuration: string | undefined;
  readonly noAuth: boolean;
  readonly user: User;
  readonly hook: Readonly<Record<string, string>>;
  /** Command that does a part: reads it from stdin, answers on stdout. */
  readonly worker: readonly string[];
  readonly version: string;
  /** Whether files for a bug report are wanted as well. */
  readonly support: boolean;
}

export interface Examined {
  readonly report: Report;
  readonly files: readonly SupportFile[];
}

/** Asks everything; at most a few things at once, each for a limited time. */
export async function examine(input: Examination): Promise<Examined> {
  const scratch = mkdtempSync("/var/tmp/jacamar-doctor-");
  endWithoutTraces(scratch);
  try {
    const context = await contextOf(input, scratch);
    const findings = await inTurns(PROBES, (probe) => askProbe(input, probe, context));
    const { version, user } = input;
    const file = context.configuration.file ?? null;
    const report: Report = {
      version: 1,
      jacamar: version,
      host: hostname(),
      user: { name: user.name, uid: user.uid },
      configuration: file,
      findings,
    };
    if (!input.support) return { report, files: [] };
    const files = await askPart(input, { part: "support", context, report });
    if (!files.ok) throw new Error(`the files for a bug report: ${files.why}`);
    return { report, files: files.value };
  } finally {
    removeTree(scratch);
  }
}

/** A signal still ends this program, but nothing of what it made stays. */
function endWithoutTraces(scratch: string): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      for (const pid of descendants(process.pid)) kill(pid);
      removeTree(scratch);
      process.kill(process.pid, signal);
    });
  }
}

async function contextOf(input: Examination, scratch: string): Promise<Context> {
  const { configuration: named, noAuth, user, hook } = input;
  const path = hook["PATH"] ?? STAND_IN_PATH;
  const read = await askPart(input, { part: "configuration", named, noAuth, user, path });
  const { facts: configuration, settings } = read.ok
    ? read.value
    : {
        facts: { file: named ?? "", errors: 1, warnings: 0, first: "", unreadable: read.why },
        settings: await plainSettings(),
      };
  const asked = await askPart(input, { part: "login", settings, user, path });
  const login = asked.ok
    ? asked.value
    : { facts: { answered: false as const, why: asked.why }, env: undefined };
  return {
    user,
    noAuth,
    configuration,
    settings,
    shell: login.facts,
    login: login.env ?? { HOME: user.home, USER: user.name, PATH: STAND_IN_PATH },
    hook,
    scratch,
  };
}

async function askProbe(
  input: Examination,
  { id, title }: Probe,
  context: Context,
): Promise<Finding & { id: string; title: string }> {
  const asked = await askPart(input, { part: "probe", id, context });
  return { id, title, ...(asked.ok ? asked.value : brokenProbe(asked.why)) };
}

async function inTurns<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async () => {
    for (let at = next++; at < items.length; at = next++) {
      const item = items[at];
      if (item !== undefined) results[at] = await work(item);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results;
}

type Asked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly why: string };

/** Has a part done in a process of its own. That process is left behind if even SIGKILL does not end it. */
async function askPart<P extends Part>(
  { worker, hook }: Pick<Examination, "worker" | "hook">,
  part: P,
): Promise<Asked<Answers[P["part"]]>> {
  const child = Bun.spawn([...worker], {
    env: { ...hook },
    cwd: "/",
    stdin: Buffer.from(JSON.stringify(part)),
    stdout: "pipe",
    stderr: "pipe",
  });
  const answer = Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), PATIENCE_SECONDS * 1000);
  });
  const ended = await Promise.race([answer, late]);
  clearTimeout(timer);
  if (ended === undefined) {
    // Its commands have process groups of their own.
    for (const pid of [child.pid, ...descendants(child.pid)]) kill(pid);
    child.unref();
    return { ok: false, why: `no answer within ${PATIENCE_SECONDS} s: something hangs` };
  }
  const [stdout, stderr, status] = ended;
  try {
    return { ok: true, value: JSON.parse(stdout) };
  } catch {
    const said = stderr.trim().split("\n").pop() ?? "";
    return { ok: false, why: `it ended with status ${status}${said === "" ? "" : `: ${said}`}` };
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended meanwhile.
  }
}
