import { existsSync, readFileSync, rmSync } from "node:fs";
import { createJob, type Instance, type Request } from "./instance.ts";
import { directives, last, type Parsed, parseBatch } from "./options.ts";

/** One node of two cores. */
const CORES = 2;
const QUEUES = ["debug"];
const UNITS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 };
const BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

export interface Reply {
  readonly status: number;
  readonly stdout?: string;
  readonly stderr?: string;
}

type Env = Readonly<Record<string, string | undefined>>;

/** `flux batch`: starts the job's broker with `start` and answers with the id. */
export function batch(
  words: readonly string[],
  env: Env,
  connect: () => Instance | string,
  start: (instance: Instance, id: string) => void,
): Reply {
  const given = parseBatch(words);
  if (typeof given === "string") return usage(given);
  if (given.values.has("help"))
    return { status: 0, stdout: "usage: flux batch [OPTIONS...] SCRIPT\n" };
  if (given.values.has("list-plugins")) return { status: 0, stdout: "no plugins\n" };
  if (given.script === undefined) return no("no batch script provided");
  const text = readScript(given);
  if (text === undefined) return no(`failed to open batch script: ${given.script}`);
  if (!text.startsWith("#!")) return no(`${given.script} does not appear to start with '#!'`);
  // The command line beats the script's lines.
  const parsed = parseBatch([...directives(text), ...words]);
  if (typeof parsed === "string") return usage(parsed);
  const request = requestOf(parsed, env);
  if (typeof request === "string") return no(request);
  if (parsed.values.has("dry-run") || parsed.values.has("dry"))
    return {
      status: 0,
      stdout: `${JSON.stringify({ resources: [], tasks: [], attributes: {} })}\n`,
    };
  const instance = connect();
  if (typeof instance === "string") return no(instance);
  createJob(instance, request, text.replaceAll("\r\n", "\n"));
  start(instance, request.id);
  const lost = `${instance.directory}/lose-answer`;
  if (existsSync(lost)) {
    rmSync(lost);
    return no("[Errno 104] Connection reset by peer");
  }
  const isAscii =
    env["FLUX_F58_FORCE_ASCII"] !== undefined || (env["LC_ALL"] ?? env["LANG"] ?? "C") === "C";
  const id = isAscii ? request.id : request.id.replace("f", "ƒ");
  return { status: 0, stdout: parsed.values.has("quiet") ? "" : `${id}\n` };
}

function usage(message: string): Reply {
  return {
    status: 2,
    stderr: `usage: flux batch [OPTIONS...] SCRIPT [ARGS...]\nflux-batch: error: ${message}\n`,
  };
}

function no(message: string): Reply {
  return { status: 1, stderr: `flux-batch: ERROR: ${message}\n` };
}

function readScript({ script = "", values }: Parsed): string | undefined {
  if (values.has("wrap")) return `#!/bin/sh\n${script}\n`;
  return existsSync(script) ? readFileSync(script, "utf8") : undefined;
}

/** Attributes and shell options are applied after the options of their own. */
function requestOf(parsed: Parsed, env: Env): Request | string {
  const id = `f${newId()}`;
  const set = (name: string, key: string) =>
    parsed.values
      .get(name)
      ?.findLast((one) => one.startsWith(`${key}=`))
      ?.slice(key.length + 1);
  const queue = last(parsed, "queue");
  if (queue !== undefined && !QUEUES.includes(queue)) return `'${queue}' is not a valid queue`;
  const limit = seconds(set("setattr", "system.duration") ?? last(parsed, "time-limit") ?? "0", 60);
  if (limit === undefined) return `invalid Flux standard duration`;
  const begin = last(parsed, "begin-time");
  const wait = begin === undefined ? 0 : seconds(begin.replace(/^\+/, ""), 1);
  if (wait === undefined) return `'${begin}' is an invalid date or time`;
  const dependency = last(parsed, "dependency");
  if (
    dependency !== undefined &&
    !/^(after\w*|begin-time|singleton|in|out|inout):/.test(dependency)
  )
    return `[Errno 22] dependency scheme "${dependency.split(":")[0]}" not supported`;
  const urgency = last(parsed, "urgency") ?? "16";
  const unsatisfiable = whyNever(parsed);
  if (unsatisfiable?.startsWith("!")) return unsatisfiable.slice(1);
  return {
    id,
    name: set("setattr", "system.job.name") ?? last(parsed, "job-name") ?? baseName(parsed),
    script: parsed.script ?? "",
    cwd: set("setattr", "system.cwd") ?? last(parsed, "cwd") ?? process.cwd(),
    output: (
      set("setopt", "output.stdout.path") ??
      last(parsed, "output") ??
      `${process.cwd()}/flux-{{id}}.out`
    )
      .replaceAll("{{id}}", id)
      .replaceAll("{{name}}", last(parsed, "job-name") ?? ""),
    env: filtered(env, parsed.envRules),
    limit,
    beginAt: wait === 0 ? 0 : Date.now() + wait * 1000,
    urgency: urgency === "hold" ? 0 : Number(urgency) || (urgency === "0" ? 0 : 16),
    unsatisfiable: unsatisfiable ?? "",
    submittedAt: Date.now(),
  };
}

function baseName({ script = "" }: Parsed): string {
  return script.slice(script.lastIndexOf("/") + 1);
}

/** With `!` what the submission itself refuses. */
function whyNever(parsed: Parsed): string | undefined {
  const number = (name: string, otherwise: number) => Number(last(parsed, name) ?? otherwise);
  const nodes = number("nodes", 0);
  const slots = number("nslots", Math.max(nodes, 1));
  const cores = number("cores-per-slot", 1);
  const gpus = number("gpus-per-slot", 0);
  if (nodes > slots) return "!node count must not be greater than slot count";
  const host = /^host:(.*)$/.exec(last(parsed, "requires") ?? "")?.[1];
  if (host !== undefined && host !== "n1") return `![Errno 22] Invalid hosts: ${host}`;
  const fit = gpus > 0 ? 0 : Math.floor(CORES / cores);
  if (slots <= fit && nodes <= 1) return undefined;
  return `unsatisfiable request: need ${slots} slot(s) of ${cores} core(s), only ${fit} such slot(s) available (total cores: ${CORES})`;
}

function seconds(text: string, unit: number): number | undefined {
  const [, number, suffix = ""] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text) ?? [];
  return number === undefined ? undefined : Number(number) * (UNITS[suffix] ?? unit);
}

/** Rules act in order; without any, all of the submitter's environment goes into the job. */
function filtered(env: Env, rules: readonly string[]): Record<string, string> {
  const all = Object.entries(env).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  const result = new Map(all);
  for (const rule of rules) {
    const [, minus, name = "", , value] = /^(-?)([^=]*)(=(.*))?$/s.exec(rule) ?? [];
    const glob = new Bun.Glob(name);
    if (minus === "-") for (const key of [...result.keys()]) glob.match(key) && result.delete(key);
    else if (value !== undefined) result.set(name, value);
    else for (const [key, old] of all) if (glob.match(key)) result.set(key, old);
  }
  return Object.fromEntries(result);
}

function newId(): string {
  let number = BigInt(Date.now()) * 1000n + BigInt(Math.floor(Math.random() * 1000));
  let text = "";
  for (; number > 0n; number /= 58n) text = `${BASE58[Number(number % 58n)]}${text}`;
  return text;
}
