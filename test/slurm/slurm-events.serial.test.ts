import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { quoteCommand } from "../../src/bash/quote.ts";
import { steps } from "../batch/outcome.ts";
import { binaryPath } from "../binary.ts";
import { until } from "../e2e/processes.ts";
import { driverCommands, makeSite, type Site } from "../e2e/site.ts";
import { mustRun } from "../fixtures/must-run.ts";
import { type SlurmCluster, startSlurm } from "../fixtures/slurm.ts";

// What is special to Slurm; what holds for all schedulers is in slurm-suite.serial.test.ts.

// A real Slurm needs root: its daemons start jobs as other users.
if (process.getuid?.() === 0) {
  let dir = "";
  let cluster: SlurmCluster;
  const sites: Site[] = [];

  beforeAll(async () => {
    dir = mkdtempSync("/var/tmp/jacamar-events-");
    chmodSync(dir, 0o755);
    cluster = await startSlurm({ dir: `${dir}/slurm`, nodes: 2, cpus: 4 });
  });
  afterAll(async () => {
    for (const site of sites) site.close();
    await cluster.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  function site(): Site {
    const batch = [
      `env_vars = ["SLURM_CONF=${cluster.conf}"]`,
      'command_delay = "2s"',
      'nfs_timeout = "3s"',
    ];
    const made = makeSite({
      executor: "slurm",
      general: ['kill_timeout = "20s"'],
      more: ["[batch]", ...batch],
    });
    sites.push(made);
    return made;
  }
  const queue = () => cluster.run(["squeue", "-h", "-o", "%i %T"]).stdout.trim();
  const current = () =>
    cluster.run(["squeue", "-h", "-o", "%i"]).stdout.trim().split("\n")[0] ?? "";
  const waiting = { id: 1, name: "x", script: ["echo ready", "sleep 120", "echo end"] };

  test("signals through the scheduler that cut a job short are never green", async () => {
    for (const signal of [
      ["--full", "--signal=TERM"],
      ["--batch", "--signal=TERM"],
      ["--signal=KILL"],
    ]) {
      const here = site();
      const result = await here
        .runner()
        .run(
          { ...waiting, script: ["trap 'exit 0' TERM", "echo ready", "sleep 120 & wait"] },
          steps(["\nready\n", () => void cluster.run(["scancel", ...signal, current()])]),
        );
      expect([signal, result.status]).toEqual([signal, "failed"]);
      expect(queue()).toBe("");
    }
  });

  test("the summary tells where the script ran, and how long it waited and took", async () => {
    const { log } = await site()
      .runner()
      .run({ ...waiting, script: ["sleep 1.2", "exit 5"] });
    expect(log).toMatch(
      /\[0KJob summary: exit status 5 after \d+\.\d s\n {2}Image: {8}none, the script runs on the host\n/,
    );
    expect(log).toMatch(/^ {2}Scheduler: {4}Slurm job \d+$/m);
    expect(log).toMatch(/^ {2}Node: {9}\S+$/m);
    expect(log).toMatch(/^ {2}Queue: {8}\d+\.\d s$/m);
    const ran = /^ {2}Run: {10}(\d+\.\d) s$/m.exec(log)?.[1];
    expect(Number(ran)).toBeGreaterThanOrEqual(1.1);
    expect(log).toMatch(/^ {2}End: {10}exit status 5\nsection_end:\d+:jacamar_summary\r/m);
  });

  test("the reproducer submits the script again, and ends with its status", async () => {
    const here = site();
    const variables = [
      { key: "JACAMAR_CI_REPRODUCER", value: "true" },
      { key: "API_KEY", value: "s3cr3t-value", masked: true },
    ];
    const script = ['echo "job $SLURM_JOB_NAME"', 'echo "length ${#API_KEY}"', "exit 6"];
    const { log } = await here.runner().run({ ...waiting, script, variables });
    const path = /^ {2}Run again by: (\S+)$/m.exec(log)?.[1] ?? "";
    expect(readFileSync(path, "utf8")).not.toContain("s3cr3t");
    mustRun(["shellcheck", path]);
    const env = { PATH: "/usr/bin:/bin", API_KEY: "s3cr3t-value" };
    const again = Bun.spawnSync(["bash", path], { env, cwd: "/", stdin: null });
    expect(again.exitCode).toBe(6);
    expect(again.stdout.toString()).toMatch(/^job ciagain1\n[\s\S]*^length 12\n/m);
    expect(queue()).toBe("");
    expect(existsSync(`${here.dataDir}/scripts/widget_31/000`)).toBe(false);
  });

  test("cancelled while no controller answers, a job leaves nothing that cleanup would have to ask for", async () => {
    const here = site();
    await cluster.stopController();
    try {
      const result = await here
        .runner()
        .run(waiting, { cancelDuring: { stage: "build_script", onText: "does not answer" } });
      expect(result.status).not.toBe("success");
      expect(result.log).not.toContain("may still run");
      expect(readdirSync(`${here.dataDir}/batch`)).toEqual([]);
    } finally {
      await cluster.startController();
    }
  });

  test("what --explain shows is what is submitted and what runs on the node", async () => {
    const here = site();
    const word = "--comment='two words'";
    const wrapper = `${here.dataDir}/scripts/widget_31/000/batch/job.bash`;
    const { log } = await here.runner().run({
      id: 12,
      name: "x",
      script: [`cat ${wrapper}`],
      variables: [{ key: "SCHEDULER_PARAMETERS", value: word }],
    });
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

  test("a node that is lost is a system failure", async () => {
    const here = site();
    const lose = () => {
      const node = cluster.run(["squeue", "-h", "-o", "%N"]).stdout.trim();
      cluster.run(["scontrol", "update", `nodename=${node}`, "state=down", "reason=test"]);
    };
    const result = await here.runner().run(waiting, steps(["\nready\n", lose]));
    for (const node of ["n1", "n2"])
      cluster.run(["scontrol", "update", `nodename=${node}`, "state=resume"]);
    expect([result.status, result.failureReason]).toEqual(["failed", "runner_system_failure"]);
    expect(result.log).toMatch(/node/i);
  });

  test("a job that a dead runner left in the queue is cancelled by a later job's cleanup", async () => {
    const here = site();
    const program = `
      import { Runner } from "${import.meta.dir}/../../src/runner/runner.ts";
      const runner = new Runner({
        driver: ${JSON.stringify(driverCommands(here.configuration, ["--no-auth"]))},
        env: { PATH: ${JSON.stringify(here.path)}, HOME: ${JSON.stringify(here.home)} },
        tmpRoot: "${here.dir}/tmp", store: "${here.dir}/store",
      });
      await runner.run(${JSON.stringify(waiting)}, { onOutput: (text) => { if (text.includes("ready\\n")) console.log("ready"); } });`;
    const doomed = Bun.spawn([process.execPath, "-e", program], {
      stdout: "pipe",
      stderr: "ignore",
    });
    for await (const chunk of doomed.stdout)
      if (new TextDecoder().decode(chunk).includes("ready")) break;
    doomed.kill("SIGKILL");
    await doomed.exited;
    Bun.spawnSync(["pkill", "-KILL", "-f", `jacamar-linux.* run ${here.dir}/tmp/`]);
    expect(queue()).not.toBe("");
    const later = await here.runner().run({ id: 9, name: "later", script: ["true"] });
    expect(later.status).toBe("success");
    await until(() => queue() === "", "the queue is empty");
    expect(readdirSync(`${here.dataDir}/claims/widget_31`)).toEqual([]);
  });
}
