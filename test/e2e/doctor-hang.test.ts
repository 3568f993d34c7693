/** What hangs is given up, and hangs nothing else. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { mustRun } from "../fixtures/must-run.ts";
import { type DoctorSite, makeDoctorSite } from "./doctor-site.ts";

let site: DoctorSite;
beforeAll(() => {
  site = makeDoctorSite("doctor-hang");
});
afterAll(() => site.remove());

// Mounting, and a FUSE server that is stopped, need root and /dev/fuse.
if (process.getuid?.() === 0) {
  test("a file system that does not answer", async () => {
    const [root, image, mount] = [`${site.dir}/root`, `${site.dir}/image.sqfs`, `${site.dir}/dead`];
    mkdirSync(root);
    mkdirSync(mount);
    mustRun(["mksquashfs", root, image, "-quiet", "-no-progress"]);
    const server = Bun.spawn(["squashfuse", "-f", image, mount], { stdio: ["ignore", null, null] });
    try {
      while (Bun.spawnSync(["mountpoint", "-q", mount]).exitCode !== 0) await Bun.sleep(20);
      process.kill(server.pid, "SIGSTOP");
      const env = { PATH: `/usr/bin:/bin:${mount}` };
      const { finding, findings } = await site.doctor([], { env });
      expect(finding("gitlab-runner").state).toBe("fail");
      expect(finding("gitlab-runner").seen).toContain("something hangs");
      expect(finding("container").state).toBe("ok");
      expect(findings).toHaveLength(22);
    } finally {
      process.kill(server.pid, "SIGCONT");
      server.kill();
      await server.exited;
      Bun.spawnSync(["umount", "--lazy", mount]);
    }
  });
}
