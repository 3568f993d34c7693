/** A dry submission to a real Slurm. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type DoctorSite, makeDoctorSite } from "../e2e/doctor-site.ts";
import { type SlurmCluster, startSlurm } from "../fixtures/slurm.ts";

// A real Slurm needs root: its daemons start jobs as other users.
if (process.getuid?.() === 0) {
  let site: DoctorSite;
  let cluster: SlurmCluster;
  beforeAll(async () => {
    site = makeDoctorSite("doctor-slurm");
    cluster = await startSlurm({ dir: `${site.dir}/slurm`, nodes: 1 });
  });
  afterAll(async () => {
    await cluster.stop();
    site.remove();
  });

  const withArguments = (name: string, words: string) =>
    site.configure(
      name,
      ...["[general]", 'executor = "slurm"', 'data_dir = "$HOME"'],
      ...["[batch]", `default_args = [${words}]`, `env_vars = ["SLURM_CONF=${cluster.conf}"]`],
    );

  test("it would take the job, or says why not; no job is there afterwards", async () => {
    const well = await site.doctor(["--configuration", withArguments("well.toml", '"--time=1"')]);
    expect(well.finding("scheduler").state).toBe("ok");
    expect(well.finding("scheduler").seen).toMatch(/^Slurm \d+\.\d+.*, answers$/);
    expect(well.finding("submission").state).toBe("ok");
    const file = withArguments("refused.toml", '"--partition=none"');
    const refused = await site.doctor(["--configuration", file]);
    expect(refused.finding("submission").state).toBe("warn");
    expect(refused.finding("submission").seen).toContain("Invalid partition name");
    expect(cluster.run(["squeue", "-h", "-t", "all"]).stdout).toBe("");
  });

  test("a controller that is down", async () => {
    await cluster.stopController();
    const file = withArguments("down.toml", "");
    const { finding, status } = await site.doctor(["--configuration", file]);
    expect([status, finding("scheduler").state]).toEqual([1, "fail"]);
    expect(finding("scheduler").seen).toContain("does not answer");
  });
}
