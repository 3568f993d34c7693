import type { PbsJob } from "./pbs-states.ts";

type Fields = ReadonlyMap<string, string>;

/** A job in what `qstat -f -F json` prints, which is an object in every case; `unreadable` when it is not valid JSON. */
export function jobInJson(text: string, id: string): PbsJob | "unreadable" | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    return "unreadable";
  }
  const jobs = member(answer, "Jobs");
  if (!isObject(jobs)) return undefined;
  const key = Object.keys(jobs).find((one) => isSameJob(one, id));
  const job = key === undefined ? undefined : jobs[key];
  if (!isObject(job)) return undefined;
  const fields = new Map<string, string>();
  for (const [name, value] of Object.entries(job)) {
    if (typeof value === "string" || typeof value === "number") fields.set(name, String(value));
  }
  const walltime = member(job["Resource_List"], "walltime");
  if (typeof walltime === "string") fields.set(WALLTIME, walltime);
  return jobOf(id, fields);
}

/** A job in what `qstat -f` prints: `    name = value`, where a tab continues a value. */
export function jobInLines(text: string, id: string): PbsJob | undefined {
  const lines = text.replaceAll("\n\t", "").split("\n");
  const start = lines.findIndex((line) => isSameJob(/^Job Id: (\S+)/.exec(line)?.[1] ?? "", id));
  if (start === -1) return undefined;
  const fields = new Map<string, string>();
  for (const line of lines.slice(start + 1)) {
    if (line.startsWith("Job Id: ")) break;
    const [, name = "", value = ""] = /^ {4}([\w.]+) = (.*)$/.exec(line) ?? [];
    // The first of each: what a user wrote may hold a line that looks like one.
    if (name !== "" && !fields.has(name)) fields.set(name, value);
  }
  return jobOf(id, fields);
}

const WALLTIME = "Resource_List.walltime";

function jobOf(id: string, fields: Fields): PbsJob | undefined {
  const state = fields.get("job_state");
  if (state === undefined) return undefined;
  return {
    id,
    state,
    substate: numberIn(fields, "substate"),
    exitStatus: numberIn(fields, "Exit_status"),
    runCount: numberIn(fields, "run_count") ?? 0,
    comment: (fields.get("comment") ?? "").trim(),
    walltime: fields.get(WALLTIME) ?? "",
    arguments: fields.get("Submit_arguments") ?? "",
    holdTypes: fields.get("Hold_Types") ?? "",
  };
}

function numberIn(fields: Fields, name: string): number | undefined {
  const text = fields.get(name) ?? "";
  return /^-?\d+$/.test(text) ? Number(text) : undefined;
}

/** A server may print its name with or without its domain. */
function isSameJob(one: string, other: string): boolean {
  const number = one.split(".")[0];
  return number !== "" && number === other.split(".")[0];
}

function member(value: unknown, name: string): unknown {
  return isObject(value) ? value[name] : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
