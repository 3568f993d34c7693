import { afterAll, beforeAll } from "bun:test";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import type { Cluster } from "../batch/cluster.ts";
import { type Parts, runnerOf, startParts } from "../batch/standin.ts";
import { testCluster } from "../batch/suite.ts";
import { type SlurmCluster, startSlurm } from "../fixtures/slurm.ts";

// A real Slurm needs root: its daemons start jobs as other users.
if (process.getuid?.() === 0) {
  let parts: Parts;
  let slurm: SlurmCluster;
  let cluster: Cluster;

  beforeAll(async () => {
    parts = await startParts("slurm-suite");
    slurm = await startSlurm({ dir: `${parts.dir}/slurm`, nodes: 2, cpus: 8 });
    parts.atEnd(slurm.stop);
    const { image, user } = parts;
    cluster = { scheduler: "slurm", words: "", manyJobs: 30, image, user, place };
  });
  afterAll(() => parts?.close());

  /** All of the real programs, and an sbatch whose answer can be lost. */
  const makeBin = () => {
    const bin = mkdtempSync(`${parts.dir}/bin-`);
    Bun.spawnSync(["chmod", "755", bin]);
    for (const name of ["squeue", "scontrol", "scancel"])
      writeFileSync(`${bin}/${name}`, `#!/bin/sh\nexec ${name} "$@"\n`, { mode: 0o755 });
    const lost = `${bin}/lose/answer`;
    mkdirSync(`${bin}/lose`, { mode: 0o777 });
    Bun.spawnSync(["chmod", "777", `${bin}/lose`]);
    const sbatch = [
      "#!/bin/sh",
      `[ -e ${lost} ] && [ "$1" != --version ] || exec sbatch "$@"`,
      `rm ${lost}`,
      'sbatch "$@" > /dev/null 2>&1',
      "kill -KILL $$",
    ];
    writeFileSync(`${bin}/sbatch`, `${sbatch.join("\n")}\n`, { mode: 0o755 });
    return { bin, lose: () => writeFileSync(lost, "") };
  };

  const place: Cluster["place"] = (options = {}) => {
    const { bin, lose } = makeBin();
    const lines = [`scheduler_bin = "${bin}"`, `env_vars = ["SLURM_CONF=${slurm.conf}"]`];
    const site = parts.site("slurm", lines, options);
    return {
      site,
      runner: runnerOf(site),
      remove: (id) => void slurm.run(["scancel", id]),
      isOver: (id) => !/^\d/m.test(slurm.run(["squeue", "-h", "-o", "%i", "-j", id]).stdout),
      loseAnswer: lose,
      outage: { stop: slurm.stopController, start: slurm.startController, isNoticed: true },
    };
  };

  testCluster(() => cluster);
}
