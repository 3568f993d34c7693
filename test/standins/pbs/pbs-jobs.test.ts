import { afterAll, expect, test } from "bun:test";
import { readdirSync, writeFileSync } from "node:fs";
import { makeSite, type Site } from "../../e2e/site.ts";
import { type PbsCluster, startPbs } from "./cluster.ts";

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
const HISTORY = [[["history"]], [[]]] as const;

test.concurrent.each(HISTORY)(
  "with %j a job's output is in the log, and its status is GitLab's",
  async (switches) => {
    const { site, cluster } = place(switches);
    const bad = await site
      .runner()
      .run(job(["echo job=$PBS_JOBID", "pwd; printf 'no newline'", "exit 7"], "-l walltime=5:00"));
    expect([bad.failureReason, bad.exitCode]).toEqual(["script_failure", 7]);
    expect(bad.log).toMatch(/^job=1\.srv$/m);
    expect(bad.log).toContain("no newline");
    expect(bad.log).toContain("Submitted PBS job 1.srv");
    expect(bad.log).toMatch(
      /qsub -l walltime=5:00 -f -C '' -r n -N ci[a-z0-9]{13} -j oe -k oed -o \S+ \S+/,
    );
    const good = await site.runner().run(job(["echo fine"]));
    expect([good.status, good.exitCode]).toEqual(["success", undefined]);
    expect(good.log).toMatch(/^fine$/m);
    expect(cluster.queue()).toBe("");
    expect(readdirSync(`${site.dataDir}/batch`)).toEqual([]);
  },
);

test.concurrent("JSON that is not valid is read as lines", async () => {
  for (const switches of [["history", "bad-json"], ["bad-json"]]) {
    const { site } = place(switches);
    expect((await site.runner().run(job(["exit 3"]))).exitCode).toBe(3);
  }
});

test.concurrent("what qsub refuses, and arguments that would break the driver, are the user's fault", async () => {
  const { site, cluster } = place();
  for (const [value, says] of [
    ["-q nosuch", "PBS refused the job: Unknown queue"],
    ["-l nosuch=1", "Unknown resource Resource_List.nosuch"],
    ["-l 'walltime=10 '", "illegal -l value"],
    ["-q short -l walltime=1:00:00", "violates queue"],
    ["-o /tmp/x", '"-o" is set by the driver'],
    ["-W umask=777", '-W "umask=777"'],
    ["-l ncpus=1 script.sh", '"script.sh"'],
  ] as const) {
    const result = await site.runner().run(job(["true"], value));
    expect([value, result.failureReason, result.attempts]).toEqual([value, "script_failure", 1]);
    expect(result.log).toContain(says);
    expect(result.log).not.toContain("usage:");
  }
  expect(cluster.queue()).toBe("");
});

test.concurrent("a request that can never run is shown, and cancelled after impossible_after", async () => {
  const { site, cluster } = place([], ['impossible_after = "1s"']);
  const result = await site.runner().run(job(["true"], "-l select=1:ncpus=99"));
  expect([result.failureReason, result.attempts]).toEqual(["script_failure", 1]);
  expect(result.log).toContain("waits: Insufficient amount of resource: ncpus (R: 99 A: 2 T: 2)");
  expect(result.log).toContain("impossible_after");
  expect(cluster.queue()).toBe("");
});

test.concurrent("a job that the site holds is dead", async () => {
  const { site, cluster } = place([], ['impossible_after = "1s"']);
  cluster.on("default_qsub_arguments", "-h");
  const result = await site.runner().run(job(["true"]));
  expect(result.status).toBe("failed");
  expect(result.log).toContain("waits: held");
  expect(cluster.queue()).toBe("");
});

test.concurrent.each(HISTORY)("with %j a cancel ends the job", async (switches) => {
  const { site, cluster } = place(switches);
  const result = await site
    .runner()
    .run(
      { ...job(stubborn), afterScript: ["echo after=$CI_JOB_STATUS"] },
      { cancelDuring: { stage: "build_script", onText: "ready\n" } },
    );
  expect(result.status).toBe("canceled");
  expect(result.log).toContain("after=canceled");
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

test.concurrent.each(HISTORY)(
  "with %j a job that somebody deletes while it runs is not green",
  async (switches) => {
    const { site, cluster } = place(switches);
    const result = await site.runner().run(job(stubborn), {
      onOutput: (text) => text.includes("ready\n") && cluster.run(["qdel", "1.srv"]),
    });
    expect(result.status).toBe("failed");
    if (switches.length > 0) expect(result.log).toMatch(/PBS job 1\.srv was deleted by \S+@srv/);
  },
);

test.concurrent.each(HISTORY)(
  "with %j a job that somebody deletes while it waits is not green",
  async (switches) => {
    const { site, cluster } = place([...switches, "busy"]);
    const result = await site.runner().run(job(["true"]), {
      onOutput: (text) => text.includes("Not enough free nodes") && cluster.run(["qdel", "1.srv"]),
    });
    expect(result.status).toBe("failed");
    expect(result.log).toMatch(switches.length > 0 ? /was deleted/ : /ended without starting/);
  },
);

test.concurrent("the time limit is the user's fault and names the option", async () => {
  const { site } = place(["history"]);
  const result = await site.runner().run(job(stubborn, "-l walltime=1"));
  expect(result.failureReason).toBe("script_failure");
  expect(result.log).toContain("reached its time limit of 00:00:01; ask for more with -l walltime");
  expect(result.log).toContain("=>> PBS: job killed: walltime 2 exceeded limit 1");
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

test.concurrent("a server that is down for a while does not fail the job", async () => {
  const { site, cluster } = place(["history", "down"]);
  const backAfter = (milliseconds: number) => setTimeout(() => cluster.off("down"), milliseconds);
  const result = await site.runner().run(job(["echo ready", "sleep 2", "exit 4"]), {
    onOutput: (text) => {
      if (text.includes("trying again")) backAfter(100);
      if (!text.includes("ready\n")) return;
      cluster.on("down");
      backAfter(4000);
    },
  });
  expect(result.exitCode).toBe(4);
  expect(result.log).toContain("cannot connect to server srv (errno=15010)");
  expect(cluster.count()).toBe(1);
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

test.concurrent("six jobs at once all end with their own status", async () => {
  const { site, cluster } = place();
  const results = await Promise.all(
    Array.from({ length: 6 }, (_, i) =>
      site.runner({ concurrentId: i }).run({ ...job([`exit ${i % 5}`]), id: 100 + i }),
    ),
  );
  expect(results.map((result) => result.exitCode ?? 0)).toEqual(
    Array.from({ length: 6 }, (_, i) => i % 5),
  );
  expect(cluster.queue()).toBe("");
});

test.concurrent("a profile that exits is no success, whatever PBS says", async () => {
  const { site } = place(["history"]);
  writeFileSync(`${site.home}/.profile`, '[ -z "${PBS_JOBID-}" ] || exit 0\n');
  const result = await site.runner().run(job(["echo never"]));
  expect(result.failureReason).toBe("runner_system_failure");
  expect(result.log).toContain("ended without starting the script");
});

test.concurrent("the runner's own PBS_* variables do not reach the submission", async () => {
  const { site, cluster } = place();
  const env = {
    PATH: site.path,
    HOME: site.home,
    PBS_SHELL: "/bin/true",
    PBS_BATCH_SERVICE_PORT: "1",
    PBS_TMPDIR: `${site.dir}/nosuch`,
    PBS_JOBID: "9.other",
  };
  const result = await site.runner({ env }).run(job(["echo arrived"]));
  expect(result.log).toMatch(/^arrived$/m);
  expect(result.status).toBe("success");
  expect(cluster.queue()).toBe("");
});
