/**
 * A stand-in for Flux's commands, since Flux cannot be installed here: `flux batch`, `jobs`, `cancel`, `job urgency`, and
 * with `standin-job DIRECTORY ID` the process behind one job. Behaves as flux-core 0.88 was measured to, with an
 * instance of one node with two cores below the directory of the socket in FLUX_URI; cores are counted for one request
 * only, not among jobs. Not here: signed submission, IMP, sdexec, several nodes.
 */
import { spawn } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { batch, type Reply } from "./batch.ts";
import {
  connect,
  type Instance,
  jobDirectory,
  jobIds,
  readRequest,
  readStatus,
  urgencyOf,
} from "./instance.ts";
import { runJob } from "./job.ts";

/** A new job cannot be found by its name at once. */
const LIST_LAG = 300;
const NO_BROKER_MILLISECONDS = 900;
const ID = /^[fƒ][1-9A-HJ-NP-Za-km-z]+$/;

const [command = "", ...words] = process.argv.slice(2);
if (command === "standin-job") {
  await runJob({ directory: words[0] ?? "" }, words[1] ?? "");
} else {
  const { status, stdout = "", stderr = "" } = answer();
  if (stderr.includes("Unable to connect")) await Bun.sleep(NO_BROKER_MILLISECONDS);
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  process.exitCode = status;
}

function answer(): Reply {
  if (command === "batch") return batch(words, process.env, () => connect(process.env), startJob);
  const program = command === "job" ? `flux-${words[0]}` : `flux-${command}`;
  const failed = (message: string): Reply => ({
    status: 1,
    stderr: `${program}: ERROR: ${message}\n`,
  });
  const instance = connect(process.env);
  if (typeof instance === "string") return failed(instance);
  if (command === "jobs") return jobs(instance, failed);
  if (command === "cancel") return cancel(instance, failed);
  if (command === "job" && words[0] === "urgency") return setUrgency(instance, failed);
  return { status: 1, stderr: `flux: \`${command}' is not a flux command.  See 'flux --help'\n` };
}

function startJob({ directory }: Instance, id: string): void {
  const job = spawn(process.execPath, [import.meta.path, "standin-job", directory, id], {
    cwd: "/",
    detached: true,
    stdio: "ignore",
    env: {},
  });
  job.unref();
}

type Failed = (message: string) => Reply;

function jobs(instance: Instance, failed: Failed): Reply {
  const wanted: string[] = [];
  let format = "{id.f58}";
  let name: string | undefined;
  let all = false;
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? "";
    if (word === "-a") all = true;
    else if (word === "-no") format = words[++i] ?? "";
    else if (word.startsWith("--name=")) name = word.slice("--name=".length);
    else if (ID.test(word)) wanted.push(word.replace("ƒ", "f"));
    else
      return {
        status: 2,
        stderr: `usage: flux jobs [OPTIONS] [JOBID ...]\nflux-jobs: error: invalid JobID value: '${word}'\n`,
      };
  }
  const unknown = wanted.filter((id) => readRequest(instance, id) === undefined);
  const ids = wanted.length > 0 ? wanted : jobIds(instance);
  const isListed = (id: string) => {
    const request = readRequest(instance, id);
    if (request === undefined) return false;
    if (wanted.length > 0) return true;
    if (!all && readStatus(instance, id)?.state === "INACTIVE") return false;
    return name === undefined || (request.name === name && isOld(request.submittedAt));
  };
  const lines: string[] = [];
  for (const id of ids.filter(isListed)) {
    const line = formatted(instance, id, format);
    if (line === undefined) return failed(`Unknown format field in ${format}`);
    lines.push(`${line}\n`);
  }
  const stderr = unknown.map((id) => `flux-jobs: ERROR: JobID ${id} unknown\n`).join("");
  return { status: unknown.length > 0 ? 1 : 0, stdout: lines.join(""), stderr };
}

function isOld(submittedAt: number): boolean {
  return Date.now() - submittedAt >= LIST_LAG;
}

function formatted(instance: Instance, id: string, format: string): string | undefined {
  const request = readRequest(instance, id);
  const status = readStatus(instance, id);
  if (request === undefined || status === undefined) return undefined;
  const fields: Readonly<Record<string, string>> = {
    id,
    "id.f58": id,
    name: request.name,
    urgency: String(urgencyOf(instance, request)),
    state: status.state,
    result: status.result,
    returncode: status.returncode,
    dependencies: status.dependencies,
    "exception.type": status.exception,
    "exception.note": status.note,
  };
  const names = [...format.matchAll(/\{([^}]*)\}/g)].map(([, field = ""]) => field);
  if (names.some((field) => fields[field] === undefined)) return undefined;
  return format.replace(/\{([^}]*)\}/g, (_whole, field: string) => fields[field] ?? "");
}

function cancel(instance: Instance, failed: Failed): Reply {
  const id = (words.at(-1) ?? "").replace("ƒ", "f");
  const status = readStatus(instance, id);
  if (!ID.test(id) || status === undefined) return failed(`${id}: unknown job id`);
  if (status.state === "INACTIVE") return failed(`${id}: job is inactive`);
  const file = `${jobDirectory(instance, id)}/cancel`;
  if (!existsSync(file)) writeFileSync(file, "");
  return { status: 0 };
}

function setUrgency(instance: Instance, failed: Failed): Reply {
  const [, id = "", urgency = ""] = words;
  if (readStatus(instance, id) === undefined) return failed(`${id}: unknown job id`);
  writeFileSync(`${jobDirectory(instance, id)}/urgency`, urgency === "hold" ? "0" : urgency);
  return { status: 0 };
}
