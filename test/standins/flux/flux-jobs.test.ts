import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { processesWith } from "../../e2e/processes.ts";
import { makeSite, type Site, type SiteOptions } from "../../e2e/site.ts";

const BIN = `${import.meta.dir}/bin`;
/** A duration that no other process sleeps for, so that leftovers can be told. */
const SLEEP = 61_377;

let dir = "";
let instance = "";
const sites: Site[] = [];

beforeAll(() => {
  dir = mkdtempSync("/var/tmp/jacamar-flux-");
});
beforeEach(() => {
  instance = mkdtempSync(`${dir}/instance-`);
  writeFileSync(`${instance}/local`, "");
});
afterAll(() => {
  for (const site of sites) site.close();
  rmSync(dir, { recursive: true, force: true });
});

function site(
  options: SiteOptions & { readonly batch?: readonly string[]; readonly path?: string } = {},
): Site {
  const { batch = [], path = `$PATH:${BIN}`, ...rest } = options;
  const made = makeSite({
    executor: "flux",
    general: ['kill_timeout = "20s"'],
    ...rest,
    more: [
      "[batch]",
      `scheduler_bin = "${BIN}"`,
      `env_vars = ["FLUX_URI=local://${instance}/local", "PATH=${path}"]`,
      'command_delay = "1s"',
      'nfs_timeout = "2s"',
      ...batch,
    ],
  });
  sites.push(made);
  return made;
}

/** Runs the stand-in's commands as somebody else than the driver would. */
function flux(...words: readonly string[]): string {
  const env = { PATH: "/usr/bin:/bin", FLUX_URI: `local://${instance}/local`, LC_ALL: "C" };
  return Bun.spawnSync([`${BIN}/flux`, ...words], { env })
    .stdout.toString()
    .trim();
}

const parameters = (value: string) => [{ key: "SCHEDULER_PARAMETERS", value }];
const active = () => flux("jobs", "-no", "{id} {state}");
const results = () => flux("jobs", "-a", "-no", "{state} {result} {returncode}");
const idIn = (text: string) => /Submitted Flux job (\S+)/.exec(text)?.[1];

test("a host job runs: its output is in the log, its status is GitLab's", async () => {
  const here = site();
  const env = { PATH: here.path, HOME: here.home, SECRET: "runner-secret", FLUX_URI: "local:///x" };
  const run = (status: number) =>
    here.runner({ env, concurrentId: status }).run({
      id: 1 + status,
      name: `exit ${status}`,
      script: ["env", "echo in=$PWD", "printf 'no newline at the end'", `exit ${status}`],
      afterScript: ["echo after=[$FLUX_ENCLOSING_ID]"],
      variables: parameters("-n1 -t 5m"),
    });
  const [good, bad] = await Promise.all([run(0), run(7)]);
  expect(good.status).toBe("success");
  expect([bad.failureReason, bad.exitCode]).toEqual(["script_failure", 7]);
  for (const { log, projectDir } of [good, bad].map((one) => ({
    ...one,
    projectDir: one.buildsDir,
  }))) {
    expect(log).toContain("no newline at the end");
    expect(log).toMatch(/flux batch -n1 -t 5m .*--job-name=ci[a-z0-9]{13} /);
    expect(log).toMatch(/Submitted Flux job f[1-9A-Za-z]+$/m);
    expect(log).toContain(`in=${projectDir}`);
    expect(log).toMatch(/^FLUX_ENCLOSING_ID=f/m);
    expect(log).toContain("after=[]");
    expect(log).not.toContain("runner-secret");
    expect(log).not.toMatch(/^(FLUX_F58_FORCE_ASCII|SECRET)=/m);
  }
  expect(bad.log).toMatch(/broker\.err\[0\]: rc2\.0: .* Exited \(rc=7\)/);
  expect(results().split("\n").sort()).toEqual(["INACTIVE COMPLETED 0", "INACTIVE FAILED 7"]);
  expect(readdirSync(`${here.dataDir}/batch`)).toEqual([]);
  expect(existsSync(`${here.dataDir}/scripts/widget_31/000`)).toBe(false);
});

test("what Flux refuses, and arguments that would break the driver, are the user's fault", async () => {
  const here = site();
  const cases = [
    ["-q nosuch", "Flux refused the job: 'nosuch' is not a valid queue"],
    ["-ooutput.stdout.path=/tmp/x", "output.stdout.path"],
    ["-n1 script.sh", '"script.sh"'],
  ] as const;
  const runs = cases.map(async ([value, says], i) => {
    const result = await here
      .runner({ concurrentId: i })
      .run({ id: 10, name: `x${i}`, script: ["true"], variables: parameters(value) });
    expect([value, result.failureReason, result.attempts]).toEqual([value, "script_failure", 1]);
    expect(result.log).toContain(says);
  });
  await Promise.all(runs);
  expect(results()).toBe("");
});

test("a request that the machine can never satisfy is the user's fault, in Flux's words", async () => {
  const result = await site()
    .runner()
    .run({ id: 11, name: "x", script: ["true"], variables: parameters("-n9999") });
  expect([result.failureReason, result.attempts]).toEqual(["script_failure", 1]);
  expect(result.log).toContain("can never run: unsatisfiable request: need 9999 slot(s)");
});

test("a job that somebody holds is shown, and cancelled after impossible_after", async () => {
  let log = "";
  const result = await site({ batch: ['impossible_after = "1s"'] })
    .runner()
    .run(
      { id: 12, name: "x", script: ["true"], variables: parameters("--begin-time=+1h") },
      {
        onOutput: (text) => {
          log += text;
          if (text.includes("waits: dependency begin-time="))
            flux("job", "urgency", idIn(log) ?? "", "hold");
        },
      },
    );
  expect([result.failureReason, result.attempts]).toEqual(["script_failure", 1]);
  expect(result.log).toMatch(/waits: dependency begin-time=/);
  expect(result.log).toContain("waits: held (urgency 0)");
  expect(result.log).toContain("impossible_after");
  expect(results()).toBe("INACTIVE CANCELED -128");
});

test("cancel: the job ends with all that it started, after_script runs, the hook fails", async () => {
  const result = await site()
    .runner()
    .run(
      {
        id: 13,
        name: "x",
        script: ["trap 'exit 0' TERM", `setsid sleep ${SLEEP} &`, "echo ready", "sleep 300 & wait"],
        afterScript: ["echo after=$CI_JOB_STATUS"],
      },
      { cancelDuring: { stage: "build_script", onText: "ready\n" } },
    );
  expect(result.status).toBe("canceled");
  expect(result.log).toContain("after=canceled");
  expect(result.hooks.find((hook) => hook.stage === "build_script")?.code).toBe(2);
  expect(active()).toBe("");
  expect(results()).toStartWith("INACTIVE CANCELED");
  expect(processesWith(`sleep ${SLEEP}`)).toEqual([]);
});

test("flux cancel by somebody is never green, running or pending", async () => {
  const here = site();
  const cancelled = async (
    at: string,
    script: readonly string[],
    value: string,
    number: number,
  ) => {
    let log = "";
    return await here.runner({ concurrentId: number }).run(
      { id: 14 + number, name: `x${number}`, script: [...script], variables: parameters(value) },
      {
        onOutput: (text) => {
          log += text;
          if (text.includes(at)) flux("cancel", idIn(log) ?? "");
        },
      },
    );
  };
  for (const result of await Promise.all([
    cancelled("ready\n", ["trap 'exit 0' TERM", "echo ready", "sleep 300 & wait"], "", 0),
    cancelled("begin-time=", ["true"], "--begin-time=+1h", 1),
  ])) {
    expect([result.status, result.failureReason]).toEqual(["failed", "script_failure"]);
    expect(result.log).toContain("was cancelled, and not by this CI job");
  }
  for (const line of results().split("\n")) expect(line).toStartWith("INACTIVE CANCELED");
});

test("the time limit is the user's fault and names the option", async () => {
  const result = await site()
    .runner()
    .run({
      id: 16,
      name: "x",
      script: ["echo ready", `sleep ${SLEEP + 1}`],
      variables: parameters("-t 2s"),
    });
  expect([result.failureReason, result.attempts]).toEqual(["script_failure", 1]);
  expect(result.log).toContain("reached its time limit (resource allocation expired)");
  expect(result.log).toContain("--time-limit");
  expect(processesWith(`sleep ${SLEEP + 1}`)).toEqual([]);
});

test("a job whose answer was lost is found by its name and runs once", async () => {
  writeFileSync(`${instance}/lose-answer`, "");
  const result = await site()
    .runner()
    .run({ id: 17, name: "x", script: ["echo arrived"] });
  expect(result.status).toBe("success");
  expect(result.log).toMatch(/^arrived$/m);
  expect(results()).toBe("INACTIVE COMPLETED 0");
});

test("no broker for a while: neither a submission nor a running job suffers", async () => {
  const here = site();
  const socket = `${instance}/local`;
  const down = () => renameSync(socket, `${socket}.down`);
  const up = () => existsSync(`${socket}.down`) && renameSync(`${socket}.down`, socket);
  down();
  const wait = `until [ -e ${instance}/seen ]; do sleep 0.1; done`;
  const result = await here.runner().run(
    { id: 18, name: "x", script: ["echo ready", wait, "exit 3"] },
    {
      onOutput: (text) => {
        if (text.includes("trying again")) up();
        if (text.includes("ready\n")) down();
        if (text.includes("the job goes on")) up();
        if (text.includes("Flux answers again")) writeFileSync(`${instance}/seen`, "");
      },
    },
  );
  expect([result.failureReason, result.exitCode]).toEqual(["script_failure", 3]);
  expect(result.log).toContain(`broker socket ${socket} was not found`);
  expect(result.log).toContain("Flux answers again");
  expect(results()).toBe("INACTIVE FAILED 3");
});

test("a job that does not find flux in its PATH is not the user's fault", async () => {
  const result = await site({ path: "/usr/bin:/bin" })
    .runner()
    .run({ id: 20, name: "x", script: ["true"] });
  expect(result.failureReason).toBe("runner_system_failure");
  expect(result.log).toContain("start failed: flux: No such file or directory");
  expect(result.log).toContain("FAILED with status 127");
});
