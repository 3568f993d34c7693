import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, copyFileSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { newerChRun } from "../fixtures/ch-run.ts";
import { tinyRoot } from "../fixtures/images.ts";
import { type Registry, startRegistry } from "../fixtures/registry.ts";
import { type OrdinaryUser, ordinaryUser } from "../fixtures/users.ts";
import { makeSite } from "./site.ts";

// Only root can become another user; for everybody else the other tests are tests of an ordinary user.
if (process.getuid?.() === 0) {
  let dir = "";
  let registry: Registry;
  let image = "";
  let caFile = "";
  let user: OrdinaryUser;

  beforeAll(async () => {
    dir = mkdtempSync("/var/tmp/jacamar-ordinary-");
    chmodSync(dir, 0o755);
    user = ordinaryUser(dir);
    registry = await startRegistry({ dir: `${dir}/registry`, auth: "none" });
    image = registry.push("ci/tiny", tinyRoot(`${dir}/root`), { env: { FOO: "bar" } });
    // The registry's directory is root's own.
    caFile = `${dir}/ca.pem`;
    copyFileSync(registry.caFile, caFile);
    chmodSync(caFile, 0o644);
  });
  afterAll(async () => {
    await registry.stop();
    user.remove();
    rmSync(dir, { recursive: true });
  });

  for (const suite of ["installed", "trixie", "forky"] as const) {
    test(`an ordinary user's jobs run on the host and in an image, ${suite} ch-run`, async () => {
      const newer = suite === "installed" ? undefined : newerChRun(`${dir}/${suite}`, suite);
      const site = makeSite({
        user,
        general: [`user_bash_env = ["REQUESTS_CA_BUNDLE=${caFile}"]`],
        charliecloud: newer ? [`application_path = "${newer.path}"`] : [],
      });
      const onHost = await site
        .runner()
        .run({ id: 1, name: "host", script: ["id -u", "touch file"] });
      expect(onHost.status).toBe("success");
      expect(onHost.log).toMatch(new RegExp(`^${user.uid}$`, "m"));
      expect(onHost.log).toContain(`UID: ${user.uid} GID: ${user.gid}`);
      const script = ["id -u", 'touch "$HOME/x" file', "echo foo=$FOO", "exit 4"];
      const inImage = await site
        .runner()
        .run({ id: 2, name: "image", image: { name: image }, script });
      expect([inImage.failureReason, inImage.exitCode]).toEqual(["script_failure", 4]);
      expect(inImage.log).toContain("foo=bar");
      expect(statSync(`${site.dataDir}/builds/widget_31/000/acme/widget/file`).uid).toBe(user.uid);
      expect(statSync(`${site.dataDir}/builds`).mode & 0o777).toBe(0o700);
      site.close();
    });
  }
}
