import { afterAll, beforeAll, test } from "bun:test";
import { mkdtempSync } from "node:fs";
import type { Cluster } from "../batch/cluster.ts";
import { makeLosingBin } from "../batch/losing-bin.ts";
import { type Parts, runnerOf, startParts } from "../batch/standin.ts";
import { testCluster } from "../batch/suite.ts";
import { type SlurmCluster, startSlurm } from "../fixtures/slurm.ts";
import { CLOSED_NODE, FAILURES, hideFuse, toolsOf } from "./failures.ts";

// A real Slurm needs root: its daemons start jobs as other users.
if (process.getuid?.() === 0) {
  let parts: Parts;
  let slurm: SlurmCluster;
  let cluster: Cluster;

  beforeAll(async () => {
    parts = await startParts("slurm-suite");
    slurm = await startSlurm({ dir: `${parts.dir}/slurm`, nodes: 3, cpus: 8 });
    parts.atEnd(slurm.stop);
    await hideFuse({ parts, slurm });
    const { image, user } = parts;
    cluster = { scheduler: "slurm", words: `-x ${CLOSED_NODE}`, manyJobs: 30, image, user, place };
  });
  afterAll(() => parts?.close());

  const PROGRAMS = ["sbatch", "squeue", "scontrol", "scancel"];

  const place: Cluster["place"] = (options = {}) => {
    const bin = mkdtempSync(`${parts.dir}/bin-`);
    const programs = Object.fromEntries(PROGRAMS.map((name) => [name, `/usr/bin/${name}`]));
    const loseAnswer = makeLosingBin(bin, "slurm", programs);
    const lines = [`scheduler_bin = "${bin}"`, `env_vars = ["SLURM_CONF=${slurm.conf}"]`];
    const site = parts.site("slurm", lines, options);
    return {
      site,
      runner: runnerOf(site),
      remove: (id) => void slurm.run(["scancel", id]),
      isOver: (id) => !/^\d/m.test(slurm.run(["squeue", "-h", "-o", "%i", "-j", id]).stdout),
      loseAnswer,
      outage: { stop: slurm.stopController, start: slurm.startController, isNoticed: true },
    };
  };

  // One after the other they would take minutes, of which Slurm's shortest time limit alone takes one and a half.
  for (const { name, run } of FAILURES) test.concurrent(name, () => run(toolsOf({ parts, slurm })));
  testCluster(() => cluster);
}
