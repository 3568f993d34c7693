import { afterAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { steps } from "../../batch/outcome.ts";
import { makeSite, type Site } from "../../e2e/site.ts";
import { type PbsCluster, startPbs } from "./cluster.ts";

// What is special to PBS; what holds for all schedulers is in ../standins.test.ts.

const sites: Site[] = [];
const clusters: PbsCluster[] = [];
afterAll(async () => {
  await Promise.all(clusters.map((cluster) => cluster.stop()));
  for (const site of sites) site.close();
});

/** A site with a server of its own. History is off by default, as in PBS. */
function place(switches: readonly string[] = [], batch: readonly string[] = []) {
  const cluster = startPbs(...switches);
  clusters.push(cluster);
  const site = makeSite({
    executor: "pbs",
    general: ['kill_timeout = "20s"'],
    more: [
      "[batch]",
      `scheduler_bin = "${cluster.bin}"`,
      `env_vars = ["PBS_CONF_FILE=${cluster.conf}"]`,
      'command_delay = "1s"',
      'nfs_timeout = "2s"',
      ...batch,
    ],
  });
  sites.push(site);
  return { cluster, site };
}
const parameters = (value: string) => [{ key: "SCHEDULER_PARAMETERS", value }];
const job = (script: readonly string[], arguments_ = "") => ({
  id: 1,
  name: "x",
  script: [...script],
  variables: parameters(arguments_),
});
const stubborn = ["trap 'exit 0' TERM", "echo ready", "sleep 300 & wait"];

test.concurrent("without history a script's status is GitLab's all the same", async () => {
  const { site, cluster } = place();
  const bad = await site.runner().run(job(["exit 7"], "-l walltime=5:00"));
  expect([bad.failureReason, bad.exitCode]).toEqual(["script_failure", 7]);
  expect(bad.log).toMatch(
    /qsub -l walltime=5:00 -f -C '' -r n -N ci[a-z0-9]{13} -j oe -k oed -o \S+ \S+/,
  );
  const good = await site.runner().run(job(["echo fine"]));
  expect([good.status, good.exitCode]).toEqual(["success", undefined]);
  expect(good.log).toMatch(/^fine$/m);
  expect(cluster.queue()).toBe("");
});

test.concurrent("JSON that is not valid is read as lines", async () => {
  for (const switches of [["history", "bad-json"], ["bad-json"]]) {
    const { site } = place(switches);
    expect((await site.runner().run(job(["exit 3"]))).exitCode).toBe(3);
  }
});

test.concurrent("what qsub refuses, and arguments that would break the driver, are the user's fault", async () => {
  const { site, cluster } = place();
  for (const [value, says] of [
    ["-l nosuch=1", "Unknown resource Resource_List.nosuch"],
    ["-l 'walltime=10 '", "illegal -l value"],
    ["-q short -l walltime=1:00:00", "violates queue"],
    ["-W umask=777", '-W "umask=777"'],
  ] as const) {
    const result = await site.runner().run(job(["true"], value));
    expect([value, result.failureReason, result.attempts]).toEqual([value, "script_failure", 1]);
    expect(result.log).toContain(says);
    expect(result.log).not.toContain("usage:");
  }
  expect(cluster.queue()).toBe("");
});

test.concurrent("a job that the site holds is dead", async () => {
  const { site, cluster } = place([], ['impossible_after = "1s"']);
  cluster.on("default_qsub_arguments", "-h");
  const result = await site.runner().run(job(["true"]));
  expect(result.status).toBe("failed");
  expect(result.log).toContain("waits: held (by its user");
  expect(cluster.queue()).toBe("");
});

test.concurrent("without history a cancel ends the job, and that is seen", async () => {
  const { site, cluster } = place();
  const result = await site
    .runner()
    .run(job(stubborn), { cancelDuring: { stage: "build_script", onText: "ready\n" } });
  expect(result.status).toBe("canceled");
  expect(result.log).not.toContain("is not seen to have ended");
  expect(cluster.queue()).toBe("");
});

test.concurrent("a node that cannot be reached does not end at a cancel, and that is said", async () => {
  const { site, cluster } = place();
  site.configure({
    executor: "pbs",
    general: ['kill_timeout = "8s"'],
    more: [
      "[batch]",
      `scheduler_bin = "${cluster.bin}"`,
      `env_vars = ["PBS_CONF_FILE=${cluster.conf}"]`,
    ],
  });
  const result = await site.runner().run(job(["echo ready", "sleep 25"]), {
    onOutput: (text) => text.includes("ready\n") && cluster.on("mom-down"),
    cancelDuring: { stage: "build_script", onText: "ready\n", after: 500 },
  });
  expect(result.status).toBe("canceled");
  expect(result.log).toContain("is not seen to have ended");
});

test.concurrent("without history the time limit is still known, by what PBS writes into the output", async () => {
  const { site } = place();
  const result = await site.runner().run(job(["echo ready", "sleep 300"], "-l walltime=1"));
  expect([result.failureReason, result.attempts]).toEqual(["script_failure", 1]);
  expect(result.log).toContain("walltime 2 exceeded the limit of 1; ask for more with -l walltime");
});

test.concurrent("who holds a job decides whose fault it is", async () => {
  for (const [letter, reason, says] of [
    ["u", "script_failure", "held (by its user"],
    ["o", "runner_system_failure", "held (by an operator: "],
    ["s", "runner_system_failure", "held (by PBS or its administrators: "],
  ] as const) {
    const { site, cluster } = place(["busy"], ['impossible_after = "1s"']);
    const hold = () => cluster.on("hold", letter);
    const result = await site.runner().run(job(["true"]), steps(["Not enough free nodes", hold]));
    expect([letter, result.failureReason]).toEqual([letter, reason]);
    expect(result.log).toContain(says);
    expect(cluster.queue()).toBe("");
  }
});

test.concurrent("without history a job that somebody deletes is not green", async () => {
  for (const [switches, script, text, says] of [
    [[], stubborn, "ready\n", "was cut short by a signal from outside"],
    [["busy"], ["true"], "Not enough free nodes", "ended without starting the script"],
  ] as const) {
    const { site, cluster } = place(switches);
    const remove = () => void cluster.run(["qdel", "1.srv"]);
    const result = await site.runner().run(job(script), steps([text, remove]));
    expect(result.status).toBe("failed");
    expect(result.log).toContain(says);
    expect(result.log).toContain("job_history_enable");
  }
});

test.concurrent("a job whose id was not printed, or whose qsub died, is found by its name", async () => {
  for (const [name, value, switches] of [
    ["default_qsub_arguments", "-z", []],
    ["qsub-dies", "", ["history"]],
  ] as const) {
    const { site, cluster } = place(switches);
    cluster.on(name, value);
    const result = await site.runner().run(job(["sleep 2", "exit 5"]));
    expect([name, result.exitCode]).toEqual([name, 5]);
    expect(cluster.count()).toBe(1);
  }
});

test.concurrent("a job that depends on an unknown one never runs, which is the user's fault where it is known", async () => {
  for (const [switches, reason, says] of [
    [["history"], "script_failure", "change -W depend"],
    [[], "runner_system_failure", "ended without starting the script"],
  ] as const) {
    const { site } = place(switches);
    const result = await site.runner().run(job(["true"], "-W depend=afterok:999"));
    expect([result.status, result.failureReason]).toEqual(["failed", reason]);
    expect(result.log).toContain(says);
  }
});

test.concurrent("a lost node is a system failure", async () => {
  const { site, cluster } = place(["history"]);
  const result = await site.runner({ retryWait: 10 }).run(job(["echo ready", "sleep 15"]), {
    onOutput: (text) => text.includes("ready\n") && cluster.on("node-lost"),
  });
  expect(result.failureReason).toBe("runner_system_failure");
  expect(result.log).toContain("its node was lost (Exit_status -20)");
});

test.concurrent("a profile that exits is no success, whatever PBS says", async () => {
  const { site } = place(["history"]);
  writeFileSync(`${site.home}/.profile`, '[ -z "${PBS_JOBID-}" ] || exit 0\n');
  const result = await site.runner().run(job(["echo never"]));
  expect(result.failureReason).toBe("runner_system_failure");
  expect(result.log).toContain("ended without starting the script");
});
