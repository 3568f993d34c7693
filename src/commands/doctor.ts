import { closeSync, existsSync, openSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { doPart, type Part } from "../doctor/parts.ts";
import { hasFailed, reportText } from "../doctor/report.ts";
import { type Examined, examine } from "../doctor/supervise.ts";
import { errorMessage, writeAll } from "../host/files.ts";
import { findProgram } from "../host/find-program.ts";
import { runCommand } from "../host/process.ts";
import { writeLine } from "../host/redact.ts";
import { currentUser, type User, userNamed } from "../host/user.ts";
import { isColoured } from "./colour.ts";
import type { Environment } from "./hook.ts";

const WELL = 0;
const FAILED = 1;
const NOT_EXAMINED = 2;

/** What a service of the system has in its PATH, as gitlab-runner gives it to the hooks. */
const SERVICE_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";
/** More than all probes of the other user may take. */
const OTHER_USER_MILLISECONDS = 600_000;
/** Instead of a file: the archive's files go to stdout beside the report. */
const TO_STDOUT = "-";

export interface DoctorInput {
  readonly configuration: string | undefined;
  readonly user: string | undefined;
  readonly json: boolean;
  readonly support: string | undefined;
  /** Does one part for another process of this command. */
  readonly part: boolean;
  readonly noAuth: boolean;
  readonly version: string;
  readonly env: Environment;
}

/** `jacamar doctor`: 0 when no probe failed, 1 when one did, 2 when they could not be run. */
export async function doctor(input: DoctorInput): Promise<number> {
  const { support, json, env } = input;
  try {
    if (input.part) return await answerPart();
    if (support !== undefined && support !== TO_STDOUT && existsSync(support))
      return complain(`doctor: ${support} exists already; wanted: a new file (--support)`);
    const examined = await examineAs(input);
    if (typeof examined === "string") return complain(`doctor: ${examined}`);
    const { report } = examined;
    if (support === TO_STDOUT) writeLine(1, JSON.stringify(examined));
    else if (json) writeLine(1, JSON.stringify(report, undefined, 2));
    else writeLine(1, reportText(report, isColoured(env)));
    if (support !== undefined && support !== TO_STDOUT)
      await writeArchive(support, examined, json ? 2 : 1);
    return hasFailed(report) ? FAILED : WELL;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return complain(`doctor: ${errorMessage(error)}`);
  }
}

async function answerPart(): Promise<number> {
  const part = JSON.parse(await Bun.stdin.text()) as Part;
  process.stdout.write(JSON.stringify(await doPart(part)));
  return WELL;
}

/** A text: why it cannot be done. */
async function examineAs(input: DoctorInput): Promise<Examined | string> {
  const { user: name, env, noAuth, version, support } = input;
  const me = currentUser(env);
  const configuration =
    input.configuration === undefined ? undefined : resolve(input.configuration);
  if (name !== undefined && name !== me.name) {
    const found = /^[A-Za-z0-9_][\w.-]*\$?$/.test(name) ? userNamed(name) : undefined;
    if (me.uid !== 0)
      return `--user ${name}: only root can become another user, this is ${me.name}; wanted: root, or jacamar doctor as ${name}`;
    if (found === undefined) return `--user ${name}: this host has no such user`;
    return await asOther(found, input, configuration);
  }
  const auth = noAuth ? ["--no-auth"] : [];
  return await examine({
    configuration,
    noAuth,
    user: me,
    hook: definedOnly(env),
    worker: [process.execPath, ...auth, "doctor", "--part"],
    version,
    support: support !== undefined,
  });
}

/** The same command as another user, in the small environment that a service has. */
async function asOther(
  { name, uid, gid, home }: User,
  { noAuth }: DoctorInput,
  configuration: string | undefined,
): Promise<Examined | string> {
  const setpriv = findProgram("setpriv", SERVICE_PATH);
  if (setpriv === undefined)
    return `--user ${name}: setpriv was not found in ${SERVICE_PATH}; wanted: the util-linux package`;
  const become = [`--reuid=${uid}`, `--regid=${gid}`, "--init-groups", "--"];
  const words = [
    ...(noAuth ? ["--no-auth"] : []),
    "doctor",
    ...(configuration === undefined ? [] : ["--configuration", configuration]),
    ...["--support", TO_STDOUT],
  ];
  const run = await runCommand([setpriv, ...become, process.execPath, ...words], {
    env: { HOME: home, USER: name, LOGNAME: name, PATH: SERVICE_PATH },
    cwd: "/",
    timeout: OTHER_USER_MILLISECONDS,
  });
  try {
    return JSON.parse(run.stdout);
  } catch {
    const said = run.stderr.trim().split("\n").pop() ?? "";
    return `--user ${name}: ${process.execPath} ${run.description}${said === "" ? "" : ` (${said})`}; wanted: a program that this user can read and start`;
  }
}

async function writeArchive(file: string, { files }: Examined, fd: 1 | 2): Promise<void> {
  const folder = "jacamar-support";
  const entries = files.map(({ name, text }) => [`${folder}/${name}`, text] as const);
  const archive = new Bun.Archive(Object.fromEntries(entries), { compress: "gzip" });
  const bytes = await archive.bytes();
  const out = openSync(file, "wx", 0o600);
  try {
    writeAll(out, bytes);
  } catch (error) {
    rmSync(file, { force: true });
    throw error;
  } finally {
    closeSync(out);
  }
  writeLine(fd, `wrote ${file}; look through it before you send it:`);
  for (const [name, text] of entries) writeLine(fd, `  ${name} (${text.length} bytes)`);
}

function definedOnly(env: Environment): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

function complain(message: string): number {
  writeLine(2, `jacamar: error: ${message}`);
  return NOT_EXAMINED;
}
