import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { processesWith, until } from "../e2e/processes.ts";
import { driverCommands, makeSite, type Site } from "../e2e/site.ts";
import { type SlurmCluster, startSlurm } from "../fixtures/slurm.ts";
import { type OrdinaryUser, ordinaryUser } from "../fixtures/users.ts";

// A real Slurm needs root: its daemons start jobs as other users.
if (process.getuid?.() === 0) {
  let dir = "";
  let cluster: SlurmCluster;
  let user: OrdinaryUser;
  const sites: Site[] = [];

  beforeAll(async () => {
    dir = mkdtempSync("/var/tmp/jacamar-events-");
    chmodSync(dir, 0o755);
    user = ordinaryUser(dir);
    cluster = await startSlurm({ dir: `${dir}/slurm`, nodes: 2, cpus: 4 });
  });
  afterAll(async () => {
    for (const site of sites) site.close();
    await cluster.stop();
    user.remove();
    rmSync(dir, { recursive: true, force: true });
  });

  function site(options: { readonly user?: OrdinaryUser } = {}): Site {
    const batch = [
      `env_vars = ["SLURM_CONF=${cluster.conf}"]`,
      'command_delay = "2s"',
      'nfs_timeout = "3s"',
    ];
    const made = makeSite({
      executor: "slurm",
      general: ['kill_timeout = "20s"'],
      more: ["[batch]", ...batch],
      ...options,
    });
    sites.push(made);
    return made;
  }
  const queue = () => cluster.run(["squeue", "-h", "-o", "%i %T"]).stdout.trim();
  const current = () =>
    cluster.run(["squeue", "-h", "-o", "%i"]).stdout.trim().split("\n")[0] ?? "";
  /** Acts once, when the text appears in the job's output. */
  const when = (text: string, act: () => void) => {
    let done = false;
    return (output: string) => {
      if (done || !output.includes(text)) return;
      done = true;
      act();
    };
  };
  const waiting = { id: 1, name: "x", script: ["echo ready", "sleep 120", "echo end"] };

  test("an ordinary user's job runs as that user", async () => {
    const here = site({ user });
    const result = await here
      .runner()
      .run({ id: 2, name: "x", script: ["id -u", "touch file", "exit 3"] });
    expect([result.failureReason, result.exitCode]).toEqual(["script_failure", 3]);
    expect(result.log).toMatch(new RegExp(`^${user.uid}$`, "m"));
  });

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
          { onOutput: when("ready\n", () => cluster.run(["scancel", ...signal, current()])) },
        );
      expect([signal, result.status]).toEqual([signal, "failed"]);
      expect(queue()).toBe("");
    }
  });

  test("the controller stops and comes back during the job: it is said once, and the result is the script's", async () => {
    const here = site();
    const result = await here.runner().run(
      { ...waiting, script: ["echo ready", "sleep 8", "exit 6"] },
      {
        onOutput: when("ready\n", () => {
          void cluster
            .stopController()
            .then(() => Bun.sleep(3000))
            .then(() => cluster.startController());
        }),
      },
    );
    expect([result.failureReason, result.exitCode]).toEqual(["script_failure", 6]);
    expect(result.log.match(/Slurm does not answer/g)?.length ?? 0).toBeLessThan(2);
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

  test("a node that is lost is a system failure", async () => {
    const here = site();
    const result = await here.runner().run(waiting, {
      onOutput: when("ready\n", () => {
        const node = cluster.run(["squeue", "-h", "-o", "%N"]).stdout.trim();
        cluster.run(["scontrol", "update", `nodename=${node}`, "state=down", "reason=test"]);
      }),
    });
    for (const node of ["n1", "n2"])
      cluster.run(["scontrol", "update", `nodename=${node}`, "state=resume"]);
    expect([result.status, result.failureReason]).toEqual(["failed", "runner_system_failure"]);
    expect(result.log).toMatch(/node/i);
  });

  test("a job whose hook was killed is cancelled by cleanup", async () => {
    const here = site();
    const result = await here.runner({ gracefulKill: 100, forceKill: 100 }).run(waiting, {
      onOutput: when("ready\n", () => {
        for (const pid of Bun.spawnSync(["pgrep", "-f", `jacamar-linux.* run ${here.dir}/tmp/`])
          .stdout.toString()
          .split("\n")) {
          if (pid !== "") process.kill(Number(pid), "SIGKILL");
        }
      }),
    });
    expect(result.failureReason).toBe("runner_system_failure");
    await until(() => queue() === "", "the queue is empty");
    expect(readdirSync(`${here.dataDir}/batch`)).toEqual([]);
  });

  test("a job that a dead runner left in the queue is cancelled by a later job's cleanup", async () => {
    const here = site();
    const program = `
      import { Runner } from "${import.meta.dir}/../runner/runner.ts";
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

  test("what a script leaves in the background does not outlive its job", async () => {
    const here = site();
    const script = ["setsid sleep 48213 & (sleep 48213 &)", "echo left"];
    const result = await here.runner().run({ id: 10, name: "x", script });
    expect(result.status).toBe("success");
    expect(processesWith("sleep 48213")).toEqual([]);
  });
}
