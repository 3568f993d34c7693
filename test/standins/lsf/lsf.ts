// Stand-in for LSF's bsub, bjobs, bhist and bkill: `bun lsf.ts PROGRAM WORDS…`. See README.md.
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import {
  allIds,
  envDir,
  event,
  fail,
  jobDir,
  parameter,
  readJobState,
  readSpec,
  type Spec,
  type State,
  seconds,
  takeId,
  waitForDaemon,
  write,
} from "./store.ts";

const WITH_VALUE = new Set(
  "-W -n -q -J -oo -o -cwd -env -w -b -R -M -P -m -app -G -c -t -e -eo -i -a".split(" "),
);
const FLAGS = new Set("-rn -r -x -H -K -N -B -Is".split(" "));
const QUEUES = new Set(["normal", "long"]);
const MOST_SLOTS = 64;
const LONGEST_COMMAND = 4094;

async function bsub(words: readonly string[]): Promise<void> {
  const { options, rest } = parseOptions(words);
  if (rest.length === 0) fail("Empty job. Job not submitted.");
  await waitForDaemon();
  const refusal = refusalOf(options, rest.join(" "));
  if (refusal !== undefined) fail(`${refusal}. Job not submitted.`);
  // Checks only, and says nothing about it.
  if (process.env["BSUB_CHK_RESREQ"] !== undefined) return;
  const queue = queueOf(options);
  const id = takeId();
  write(id, "spec", specOf(id, queue, options, rest.join(" ")));
  write(id, "state", {
    stat: options.has("-H") ? "PSUSP" : "PEND",
    exitCode: undefined,
    reason: "",
    pending: "New job is waiting for scheduling;",
    events: [
      event(
        `Submitted from host <login>, to Queue <${queue}>, CWD <${options.get("-cwd") ?? "$HOME"}>, Output File (overwrite) <${options.get("-oo") ?? ""}>;`,
      ),
    ],
    endedAt: undefined,
  });
  Bun.spawn([process.execPath, `${import.meta.dir}/sbatchd.ts`, id], {
    stdio: ["ignore", Bun.file(`${jobDir(id)}/sbatchd.log`), Bun.file(`${jobDir(id)}/sbatchd.log`)],
    detached: true,
    cwd: "/",
  }).unref();
  const lost = `${envDir()}/lose-answer`;
  if (existsSync(lost)) {
    rmSync(lost);
    return;
  }
  if (process.env["BSUB_QUIET"] !== undefined) return;
  process.stdout.write("esub: your group has 1200 of 5000 hours left\n");
  process.stdout.write("esub: Job <7> of yours is still pending\n");
  const which = options.has("-q") ? "queue" : "default queue";
  process.stdout.write(`Job <${id}> is submitted to ${which} <${queue}>.\n`);
}

/** bsub's own options end at the first word that is none; that and all after it are the command. */
function parseOptions(words: readonly string[]) {
  const options = new Map<string, string>();
  let at = 0;
  for (; at < words.length; at++) {
    const word = words[at] ?? "";
    if (!word.startsWith("-")) break;
    if (WITH_VALUE.has(word)) {
      const value = words[++at];
      if (value === undefined) fail(`${word}: option requires an argument. Job not submitted.`);
      options.set(word, value);
    } else if (FLAGS.has(word)) options.set(word, "");
    else fail(`${word}: Illegal option. Job not submitted.`);
  }
  return { options, rest: words.slice(at) };
}

function queueOf(options: ReadonlyMap<string, string>): string {
  return options.get("-q") ?? process.env["LSB_DEFAULTQUEUE"] ?? "normal";
}

function refusalOf(options: ReadonlyMap<string, string>, command: string): string | undefined {
  const slots = options.get("-n") ?? "1";
  if (!QUEUES.has(queueOf(options))) return `${queueOf(options)}: No such queue`;
  if (!/^\d+$/.test(slots)) return "Bad argument for option -n";
  if (Number(slots) > MOST_SLOTS) return "Too many processors requested";
  if (command.length > LONGEST_COMMAND) return "Job command line is too long";
  const after = options.get("-w");
  const id = after === undefined ? undefined : /^done\((\d+)\)$/.exec(after)?.[1];
  if (after !== undefined && id === undefined) return "Dependency condition syntax error";
  if (id !== undefined && readSpec(id) === undefined) return `${id}: No matching job found`;
  return undefined;
}

function specOf(
  id: string,
  queue: string,
  options: ReadonlyMap<string, string>,
  command: string,
): Spec {
  const limit = options.get("-W")?.split(":").map(Number);
  const runLimit = limit?.length === 2 ? (limit[0] ?? 0) * 60 + (limit[1] ?? 0) : limit?.[0];
  const inherits = options.get("-env") !== "none";
  const { username, homedir } = userInfo();
  return {
    id,
    queue,
    command,
    runLimit,
    name: options.get("-J") ?? command,
    user: username,
    directory: options.get("-cwd") ?? process.cwd(),
    report: options.get("-oo")?.replaceAll("%J", id).replaceAll("%I", "0"),
    // Whether PATH is there with `none` is not documented: it is not.
    environment: {
      ...(inherits ? (process.env as Record<string, string>) : { HOME: homedir, USER: username }),
      LSB_JOBID: id,
      LSB_JOBINDEX: "0",
      LSB_QUEUE: queue,
      LSB_JOBNAME: options.get("-J") ?? command,
    },
    slots: Number(options.get("-n") ?? "1"),
    begin: options.get("-b"),
    dependsOn: /\d+/.exec(options.get("-w") ?? "")?.[0],
    exitWithoutDirectory: process.env["LSB_EXIT_IF_CWD_NOTEXIST"] === "Y",
    isHeld: options.has("-H"),
  };
}

async function bjobs(words: readonly string[]): Promise<void> {
  await waitForDaemon();
  let form = "";
  let name: string | undefined;
  let id: string | undefined;
  const flags = new Set<string>();
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? "";
    if (word === "-o") form = words[++i] ?? "";
    else if (word === "-J") name = words[++i];
    else if (word.startsWith("-")) flags.add(word);
    else id = word;
  }
  const known = allIds().filter((one) => readSpec(one) !== undefined && !isForgotten(one));
  const wanted = known.filter((one) =>
    id === undefined ? name === undefined || readSpec(one)?.name === name : one === id,
  );
  const isAnswer = (text: string): never => {
    process.stderr.write(`${text}\n`);
    process.exit(parameter("LSB_BJOBS_CONSISTENT_EXIT_CODE") === "Y" ? 255 : 0);
  };
  if (wanted.length === 0) {
    const what = id ?? name;
    isAnswer(what === undefined ? "No job found" : `Job <${what}> is not found`);
  }
  const shown = wanted.filter((one) => flags.has("-a") || readJobState(one)?.endedAt === undefined);
  if (shown.length === 0) isAnswer("No unfinished job found");
  for (const one of shown) {
    process.stdout.write(flags.has("-l") ? longForm(one, true) : `${shortForm(one, form)}\n`);
  }
}

/** mbatchd shows an ended job for CLEAN_PERIOD; bhist reads the files and still has it. */
function isForgotten(id: string): boolean {
  const endedAt = readJobState(id)?.endedAt;
  return endedAt !== undefined && Date.now() - endedAt > seconds("CLEAN_PERIOD", 3600);
}

function shortForm(id: string, form: string): string {
  const delimiter = /delimiter='(.)'/.exec(form)?.[1] ?? " ";
  const spec = readSpec(id);
  const state = readJobState(id);
  const fields: Readonly<Record<string, string>> = {
    jobid: id,
    stat: statOf(state),
    // Also of some that failed, such as those that were never started.
    exit_code:
      state?.stat === "EXIT" && state.exitCode !== undefined ? String(state.exitCode) : "-",
    job_name: spec?.name ?? "",
    ...(parameter("STANDIN_OLD_FIELDS") === "Y"
      ? {}
      : {
          exit_reason: state?.reason || "-",
          pend_reason: state?.stat === "PEND" ? ` ${state.pending}` : "-",
        }),
  };
  const names = form
    .replace(/delimiter='.'/, "")
    .trim()
    .split(/\s+/);
  return names
    .map((name) => fields[name] ?? fail(`Field <${name}> is not a valid output field`))
    .join(delimiter);
}

function statOf(state: State | undefined): string {
  const isLost = existsSync(`${envDir()}/host-lost`);
  return state?.stat === "RUN" && isLost ? "UNKWN" : (state?.stat ?? "PEND");
}

async function bhist(words: readonly string[]): Promise<void> {
  const id = words.find((word) => !word.startsWith("-")) ?? "";
  if (parameter("STANDIN_NO_HISTORY") === "Y")
    fail(`${envDir()}/work/logdir/lsb.events: No such file or directory`);
  if (id === "" || readSpec(id) === undefined) fail("No matching job found");
  process.stdout.write(longForm(id, false));
}

/** Lines end at column 80, wherever that is, and go on after 21 blanks. */
function longForm(id: string, isBjobs: boolean): string {
  const spec = readSpec(id);
  const state = readJobState(id);
  const where = isBjobs ? `Status <${statOf(state)}>, Queue <${spec?.queue}>` : "Project <default>";
  const head = `Job <${id}>, Job Name <${spec?.name}>, User <${spec?.user}>, ${where}, Command <${spec?.command}>, Share group charged </${spec?.user}>`;
  const lines = [head, ...(state?.events ?? [])].map((line) =>
    [line.slice(0, 79), ...(line.slice(79).match(/.{1,58}/g) ?? [])].join(`\n${" ".repeat(21)}`),
  );
  return `\n${lines.join("\n")}\n\n`;
}

async function bkill(words: readonly string[]): Promise<void> {
  await waitForDaemon();
  // Without an id: the last job of the user; 0: all of them.
  const [given] = words;
  const unended = allIds().filter((one) => readJobState(one)?.endedAt === undefined);
  const ids = given === "0" ? unended : [given ?? unended.at(-1) ?? ""];
  for (const id of ids) {
    if (id === "" || readSpec(id) === undefined || isForgotten(id))
      fail(`Job <${id}>: No matching job found`);
    if (readJobState(id)?.endedAt !== undefined) fail(`Job <${id}>: Job has already finished`);
    writeFileSync(`${jobDir(id)}/kill`, "TERM_OWNER: job killed by owner");
    process.stdout.write(`Job <${id}> is being terminated\n`);
  }
}

const [program = "", ...words] = process.argv.slice(2);
const run = { bsub, bjobs, bhist, bkill }[program];
if (run === undefined) fail(`no program ${program}`);
await run(words);
