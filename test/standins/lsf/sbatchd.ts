// Stand-in for LSF's daemons: takes one job from PEND to its end. `bun sbatchd.ts ID`. See README.md.
import {
  appendFileSync,
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import {
  envDir,
  event,
  jobDir,
  parameter,
  readJobState,
  readSpec,
  type State,
  seconds,
  write,
} from "./store.ts";

const id = process.argv[2] ?? "";
const spec = readSpec(id) ?? process.exit(1);
const POLL = 50;

function change(more: Partial<State>, text?: string): void {
  const before = readJobState(id) ?? process.exit(1);
  const events = text === undefined ? before.events : [...before.events, event(text)];
  write(id, "state", { ...before, ...more, events });
}

function killReason(): string | undefined {
  const file = `${jobDir(id)}/kill`;
  // bkill may just have made the file, and not have written it.
  return existsSync(file) ? readFileSync(file, "utf8") || undefined : undefined;
}

function end(stat: "DONE" | "EXIT", exitCode: number | undefined, reason: string): void {
  const how =
    exitCode === undefined
      ? "Exited"
      : exitCode > 128
        ? `Exited by signal ${exitCode - 128}`
        : `Exited with exit code ${exitCode}`;
  change({}, `${stat === "DONE" ? "Done successfully" : how}. The CPU time used is 0.1 seconds;`);
  const why = reason === "" ? "" : ` ${reason}.`;
  change(
    { stat, exitCode, reason, pending: "", endedAt: Date.now() },
    stat === "DONE" ? "Completed <done>." : `Completed <exit>;${why}`,
  );
}

/** Until the job may start; false when it was killed first. */
async function waitToStart(): Promise<boolean> {
  await Bun.sleep(seconds("MBD_SLEEP_TIME", 0.3));
  // The test may have ended and taken everything with it.
  while (existsSync(jobDir(id))) {
    if (killReason() !== undefined) {
      change({}, "Signal <KILL> requested by user or administrator <me>;");
      // Never started: no exit code.
      end("EXIT", undefined, killReason() ?? "");
      return false;
    }
    const why = whyNotYet();
    if (why === undefined && !spec.isHeld) return true;
    if (why !== undefined && readJobState(id)?.pending !== why) change({ pending: why });
    await Bun.sleep(POLL);
  }
  return false;
}

function whyNotYet(): string | undefined {
  if (spec.begin !== undefined) return "The job has a specified start time;";
  const other = spec.dependsOn === undefined ? undefined : readJobState(spec.dependsOn);
  if (other === undefined || other.stat === "DONE") return undefined;
  if (other.stat === "EXIT") return "Dependency condition invalid or never satisfied;";
  return "Job dependency condition not satisfied;";
}

/** LSF knows a job's processes by their parents and keeps those that lost theirs by group. */
const groups = new Set<number>();

function look(root: number): void {
  const children = new Map<number, number[]>();
  const groupOf = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      const [, parent, group] = stat
        .slice(stat.lastIndexOf(")") + 2)
        .split(" ")
        .map(Number);
      children.set(parent ?? 0, [...(children.get(parent ?? 0) ?? []), Number(name)]);
      groupOf.set(Number(name), group ?? 0);
    } catch {
      // Has ended meanwhile.
    }
  }
  const open = [root];
  for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
    const group = groupOf.get(pid);
    if (group !== undefined && group > 1) groups.add(group);
    open.push(...(children.get(pid) ?? []));
  }
}

function signal(root: number, name: "SIGINT" | "SIGTERM" | "SIGKILL" | "SIGUSR2"): void {
  look(root);
  for (const group of groups) {
    try {
      process.kill(-group, name);
    } catch {
      // Nothing is left of it.
    }
  }
}

/** Runs the command once; its output goes to a file of LSF's own. */
async function runOnce(): Promise<{ readonly code: number; readonly reason: string }> {
  const fallback = existsSync(spec.directory) ? spec.directory : "/tmp";
  if (fallback !== spec.directory && spec.exitWithoutDirectory) return { code: 2, reason: "" };
  const output = openSync(`${jobDir(id)}/output`, "a");
  const child = Bun.spawn(["/bin/sh", "-c", spec.command], {
    cwd: fallback,
    env: { ...spec.environment },
    stdio: ["ignore", output, output],
    detached: true,
  });
  closeSync(output);
  change(
    { stat: "RUN", pending: "" },
    `Started on <n1>, Execution Home </root>, Execution CWD <${fallback}>;`,
  );
  const reason = await watch(child);
  const code =
    child.signalCode === null ? (child.exitCode ?? 0) : 128 + signalNumber(child.signalCode);
  const external = code > 128 && reason === "";
  return {
    code,
    reason: external ? "TERM_EXTERNAL_SIGNAL: job killed by a signal external to LSF" : reason,
  };
}

function signalNumber(name: string | number): number {
  return { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGKILL: 9, SIGUSR2: 12, SIGTERM: 15 }[name] ?? 9;
}

/** Ends the job when told to or at its run limit; gives the reason. */
async function watch(child: Bun.Subprocess): Promise<string> {
  const minute = seconds("STANDIN_MINUTE", 60);
  const limitAt =
    spec.runLimit === undefined ? Number.POSITIVE_INFINITY : Date.now() + spec.runLimit * minute;
  let reason = "";
  let killAt = Number.POSITIVE_INFINITY;
  let left: ("SIGINT" | "SIGTERM" | "SIGKILL")[] = ["SIGINT", "SIGTERM", "SIGKILL"];
  while (child.exitCode === null && child.signalCode === null) {
    look(child.pid);
    const asked = killReason();
    if (reason === "" && asked !== undefined) {
      reason = asked;
      killAt = Date.now();
      // A parallel job gets no time to clean up.
      if (spec.slots > 1 && parameter("LSB_USE_SEQUENTIAL_SIGNAL") !== "Y") left = ["SIGKILL"];
      change({}, "Signal <KILL> requested by user or administrator <me>;");
    } else if (reason === "" && Date.now() >= limitAt) {
      reason = "TERM_RUNLIMIT: job killed after reaching LSF run time limit";
      signal(child.pid, "SIGUSR2");
      killAt = Date.now() + 10 * minute;
    }
    if (Date.now() >= killAt) {
      signal(child.pid, left.length > 1 ? (left.shift() ?? "SIGKILL") : "SIGKILL");
      killAt = Date.now() + seconds("JOB_TERMINATE_INTERVAL", 10);
    }
    await Bun.sleep(POLL);
  }
  return reason;
}

/** The job's output and LSF's words about it appear now, all at once. */
function report(code: number, reason: string): void {
  const output = readFileSync(`${jobDir(id)}/output`, "utf8");
  const how = code === 0 ? "Successfully completed." : `${reason}\nExited with exit code ${code}.`;
  const text = `Sender: LSF System <lsfadmin@n1>\nSubject: Job ${id}: <${spec.name}> in cluster <standin> ${code === 0 ? "Done" : "Exited"}\n\nYour job looked like:\n\n${"-".repeat(60)}\n# LSBATCH: User input\n${spec.command}\n${"-".repeat(60)}\n\n${how}\n\nThe output (if any) follows:\n\n${output}`;
  try {
    writeFileSync(spec.report ?? "", text);
  } catch {
    appendFileSync(`${envDir()}/mail`, text);
  }
}

const numbers = (name: string) => (parameter(name) ?? "").split(" ").filter(Boolean).map(Number);
let runs = await waitToStart();
while (runs) {
  appendFileSync(`${jobDir(id)}/output`, "");
  const { code, reason } = await runOnce();
  runs = false;
  if (reason === "" && numbers("REQUEUE_EXIT_VALUES").includes(code)) {
    change(
      { stat: "PEND", pending: "The job has been requeued;" },
      "Pending: Job has been requeued;",
    );
    runs = await waitToStart();
  } else {
    report(code, reason);
    const isWell = code === 0 || numbers("SUCCESS_EXIT_VALUES").includes(code);
    end(isWell ? "DONE" : "EXIT", code, isWell ? "" : reason);
  }
}
