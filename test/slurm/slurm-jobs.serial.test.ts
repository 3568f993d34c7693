import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { quoteCommand } from "../../src/bash/quote.ts";
import { binaryPath } from "../binary.ts";
import { makeSite, type Site, type SiteOptions } from "../e2e/site.ts";
import { tinyRoot } from "../fixtures/images.ts";
import { type Registry, startRegistry } from "../fixtures/registry.ts";
import { type SlurmCluster, startSlurm } from "../fixtures/slurm.ts";

// A real Slurm needs root: its daemons start jobs as other users.
if (process.getuid?.() === 0) {
  let dir = "";
  let cluster: SlurmCluster;
  let registry: Registry;
  let image = "";
  const sites: Site[] = [];

  beforeAll(async () => {
    dir = mkdtempSync("/var/tmp/jacamar-slurm-");
    chmodSync(dir, 0o755);
    cluster = await startSlurm({ dir: `${dir}/slurm`, nodes: 2, cpus: 4 });
    registry = await startRegistry({ dir: `${dir}/registry`, auth: "none" });
    image = registry.push("ci/tiny", tinyRoot(`${dir}/root`), { env: { FOO: "bar" } });
  });
  afterAll(async () => {
    for (const site of sites) site.close();
    await registry.stop();
    await cluster.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  function site(options: SiteOptions & { readonly batch?: readonly string[] } = {}): Site {
    const { batch = [], ...rest } = options;
    const made = makeSite({
      executor: "slurm",
      general: [
        `user_bash_env = ["REQUESTS_CA_BUNDLE=${registry.caFile}"]`,
        'kill_timeout = "20s"',
      ],
      ...rest,
      more: [
        "[batch]",
        `env_vars = ["SLURM_CONF=${cluster.conf}"]`,
        'command_delay = "2s"',
        'nfs_timeout = "5s"',
        ...batch,
      ],
    });
    sites.push(made);
    return made;
  }
  const parameters = (value: string) => [{ key: "SCHEDULER_PARAMETERS", value }];
  const queue = () => cluster.run(["squeue", "-h", "-o", "%i %T"]).stdout.trim();

  test("a host job runs on a node: its output is in the log, its status is GitLab's", async () => {
    const here = site();
    const script = [
      "echo on $SLURMD_NODENAME",
      "echo job=$SLURM_JOB_ID",
      "printf 'no newline at the end'",
      "exit 7",
    ];
    const result = await here.runner().run({
      id: 1,
      name: "x",
      script,
      afterScript: ["echo after=[$SLURM_JOB_ID]"],
      variables: parameters("--time=5 -n1"),
    });
    expect([result.failureReason, result.exitCode]).toEqual(["script_failure", 7]);
    expect(result.log).toMatch(/^on n[12]$/m);
    expect(result.log).toContain("no newline at the end");
    expect(result.log).toMatch(/Submitted Slurm job \d+/);
    expect(result.log).toMatch(/sbatch --time=5 -n1 .*--job-name=ci[a-z0-9]{13} /);
    expect(result.log).toContain("after=[]");
    expect(readdirSync(`${here.dataDir}/batch`)).toEqual([]);
    expect(existsSync(`${here.dataDir}/scripts/widget_31/000`)).toBe(false);
  });

  test("what --explain shows is what is submitted and what runs on the node", async () => {
    const here = site();
    const word = "--comment='two words'";
    const wrapper = `${here.dataDir}/scripts/widget_31/000/batch/job.bash`;
    const { log } = await here
      .runner()
      .run({ id: 12, name: "x", script: [`cat ${wrapper}`], variables: parameters(word) });
    const given = { SCHEDULER_PARAMETERS: word, CI_PROJECT_ID: "31", CI_PROJECT_NAME: "widget" };
    const shown = Bun.spawnSync(
      [
        ...[binaryPath(), "--explain", "--json", "--configuration", here.configuration],
        ...Object.entries(given).map(([name, value]) => `--variable=${name}=${value}`),
      ],
      { env: { PATH: here.path, HOME: here.home } },
    );
    const { plan, batchProgram } = JSON.parse(shown.stdout.toString());
    expect(log.replace(/=ci[a-z0-9]{13}/, "=ciNAME")).toContain(quoteCommand(plan.batch.submit));
    const run = log.replace(/^nonce=.*$/m, "nonce=NONCE").replace(/^mask=.*$/m, "mask=UMASK");
    expect(run).toContain(batchProgram);
  });

  test("a job with an image runs in it on a node, from one SquashFS file", async () => {
    const here = site({ charliecloud: [] });
    const script = [
      "cat /etc/os-release",
      "echo foo=$FOO",
      "echo job=$SLURM_JOB_ID",
      "pwd",
      "touch file $HOME/x",
    ];
    const result = await here.runner().run({
      id: 2,
      name: "x",
      image: { name: image },
      script,
      afterScript: ["ls; echo after=$CH_RUNNING."],
    });
    expect(result.status).toBe("success");
    expect(result.log).toContain("Tiny test image");
    expect(result.log).toContain("foo=bar");
    expect(result.log).toMatch(/^job=\d+$/m);
    expect(result.log).toMatch(/ch-run .*image\.sqfs -- /);
    expect(result.log).toMatch(/^file$/m);
    expect(result.log).toMatch(/^after=.+\.$/m);
    expect(existsSync(`${here.dataDir}/scripts/widget_31/000`)).toBe(false);
  });

  test("with disable_convert the image is used by name from its storage", async () => {
    const here = site({ charliecloud: ["disable_convert = true"] });
    const result = await here
      .runner()
      .run({ id: 3, name: "x", image: { name: image }, script: ["grep Tiny /etc/os-release"] });
    expect(result.status).toBe("success");
    expect(result.log).not.toContain("image.sqfs");
  });

  test("what the scheduler refuses, and arguments that would break the driver, are the user's fault", async () => {
    const here = site();
    for (const [value, says] of [
      ["--partition=nosuch", "invalid partition specified: nosuch"],
      ["--out=/tmp/x", "--output"],
      ["-n1 script.sh", '"script.sh"'],
      ["-n 'two", "'two"],
    ] as const) {
      const result = await here
        .runner()
        .run({ id: 4, name: "x", script: ["true"], variables: parameters(value) });
      expect([value, result.failureReason, result.attempts]).toEqual([value, "script_failure", 1]);
      expect(result.log).toContain(says);
    }
    expect(queue()).toBe("");
  });

  test("a request that can never run is shown, and cancelled after impossible_after", async () => {
    const here = site({ batch: ['impossible_after = "2s"'] });
    const result = await here
      .runner()
      .run({ id: 5, name: "x", script: ["true"], variables: parameters("-N 9") });
    expect([result.failureReason, result.attempts]).toEqual(["script_failure", 1]);
    expect(result.log).toMatch(/waits: Partition(NodeLimit|Config)/);
    expect(result.log).toContain("impossible_after");
    expect(queue()).toBe("");
  });

  test("cancel: the scheduler's job ends, after_script runs, the hook's status is a failure", async () => {
    const here = site({ charliecloud: [] });
    for (const picture of [undefined, { name: image }]) {
      const result = await here.runner().run(
        {
          id: 6,
          name: "x",
          ...(picture && { image: picture }),
          script: ["trap 'exit 0' TERM", "echo ready", "sleep 300 & wait"],
          afterScript: ["echo after=$CI_JOB_STATUS"],
        },
        { cancelDuring: { stage: "build_script", onText: "ready\n" } },
      );
      expect(result.status).toBe("canceled");
      expect(result.log).toContain("after=canceled");
      expect(result.hooks.find((hook) => hook.stage === "build_script")?.code).toBe(2);
      expect(queue()).toBe("");
    }
  });

  test("scancel by somebody is never green, pending or running", async () => {
    const here = site();
    const running = await here.runner().run(
      { id: 7, name: "x", script: ["trap 'exit 0' TERM", "echo ready", "sleep 300 & wait"] },
      {
        onOutput: (text) => {
          if (text.includes("ready\n")) cluster.run(["scancel", "--state=RUNNING", "--me"]);
        },
      },
    );
    expect(running.status).toBe("failed");
    const pending = await here.runner().run(
      { id: 8, name: "x", script: ["true"], variables: parameters("--begin=now+1hour") },
      {
        onOutput: (text) => {
          if (text.includes("BeginTime")) cluster.run(["scancel", "--state=PENDING", "--me"]);
        },
      },
    );
    expect(pending.status).toBe("failed");
    expect(pending.log).toMatch(/cancelled/i);
  });

  test("the time limit is the user's fault and names the option", async () => {
    const here = site();
    const result = await here.runner().run({
      id: 9,
      name: "x",
      script: ["echo ready", "sleep 300"],
      variables: parameters("--time=0:05"),
    });
    expect(result.failureReason).toBe("script_failure");
    expect(result.log).toMatch(/time limit/);
    expect(result.log).toContain("--time");
  }, 120_000);

  test("the runner's own SBATCH_* and SLURM_* variables do not reach the submission", async () => {
    const here = site();
    const env = {
      PATH: here.path,
      HOME: here.home,
      SBATCH_OUTPUT: `${dir}/stolen`,
      SBATCH_JOB_NAME: "stolen",
      SLURM_JOB_ID: "1",
    };
    const result = await here.runner({ env }).run({ id: 10, name: "x", script: ["echo arrived"] });
    expect(result.log).toMatch(/^arrived$/m);
    expect(existsSync(`${dir}/stolen`)).toBe(false);
  });

  test("thirty jobs at once all end with their own status", async () => {
    const here = site();
    const jobs = Array.from({ length: 30 }, (_, i) =>
      here
        .runner({ concurrentId: i })
        .run({ id: 100 + i, name: `job ${i}`, script: [`echo number ${i}`, `exit ${i % 5}`] }),
    );
    const results = await Promise.all(jobs);
    expect(results.map((result) => result.exitCode ?? 0)).toEqual(
      Array.from({ length: 30 }, (_, i) => i % 5),
    );
    expect(queue()).toBe("");
  }, 300_000);
}
