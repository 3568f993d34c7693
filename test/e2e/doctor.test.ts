import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, readdirSync } from "node:fs";
import { newerChRun } from "../fixtures/ch-run.ts";
import { type OrdinaryUser, ordinaryUser } from "../fixtures/users.ts";
import { type DoctorSite, makeDoctorSite } from "./doctor-site.ts";
import { processesWith, until } from "./processes.ts";

const PROBES = [
  ...["configuration", "account", "login-shell", "runtime-dir", "gitlab-runner", "data-dir"],
  ...["clock", "user-namespaces", "overlay", "fuse", "ch-run", "ch-image", "mksquashfs"],
  ...["container", "squashfs", "write-fake", "image-cache", "cache-health", "image-storage"],
  ...["registries", "scheduler", "submission"],
];
const isRoot = process.getuid?.() === 0;

let site: DoctorSite;
beforeAll(() => {
  site = makeDoctorSite("doctor");
});
afterAll(() => site.remove());

function plain(name: string, ...more: string[]): string {
  return site.configure(
    name,
    ...["[general]", 'executor = "shell"', `data_dir = "${site.dir}/data"`],
    ...['run_mechanism = "charliecloud"', ...more],
  );
}

test("each probe gives a finding, in a fixed order, and a container is really started", async () => {
  const { status, findings, finding } = await site.doctor([
    "--configuration",
    plain("plain.toml", "[general.charliecloud]", `image_storage_dir = "${site.dir}"`),
  ]);
  expect(findings.map(({ id }) => id)).toEqual(PROBES);
  for (const { state, seen, meaning, fix } of findings) {
    expect(["ok", "warn", "fail"]).toContain(state);
    expect(seen).not.toBe("");
    expect([meaning !== "", fix !== ""]).toEqual(Array(2).fill(state !== "ok"));
  }
  expect(status).toBe(findings.some(({ state }) => state === "fail") ? 1 : 0);
  expect(finding("container")).toMatchObject({ state: "ok" });
  expect(finding("container").seen).toContain("started a directory image");
  expect(finding("data-dir").seen).toContain(`${site.dir}/data (not there yet`);
  expect(readdirSync(site.dir)).not.toContain("data");
});

test("for people: one line a finding, without colours where there is no terminal", () => {
  const words = ["doctor", "--configuration", plain("text.toml")];
  const { stdout, exitCode } = Bun.spawnSync([site.program, ...words], {
    env: { HOME: site.home, PATH: "/usr/bin:/bin" },
  });
  const text = stdout.toString();
  expect(text.match(/^(ok {2}|warn|fail) {2}\S/gm)).toHaveLength(PROBES.length);
  expect(text).toMatch(/^22 probes as \S+ on \S+: \d+ ok, \d+ warn, \d+ fail$/m);
  expect(text).not.toContain("\u001b");
  expect(exitCode).toBe(text.includes("\nfail") ? 1 : 0);
});

test("a broken configuration is a finding, and all else is looked at", async () => {
  const file = plain("broken.toml", 'kill_timout = "3s"');
  const broken = await site.doctor(["--configuration", file]);
  expect(broken.status).toBe(1);
  expect(broken.finding("configuration")).toMatchObject({
    state: "fail",
    fix: `jacamar check ${file}`,
  });
  expect(broken.finding("configuration").seen).toContain('nearest known key is "kill_timeout"');
  expect(broken.findings).toHaveLength(PROBES.length);
  const missing = await site.doctor(["--configuration", "none.toml"]);
  expect([missing.status, missing.finding("configuration").state]).toEqual([1, "fail"]);
  expect(missing.finding("configuration").seen).toContain("no such file");
});

test("a profile that prints, and one that ends the shell", async () => {
  site.profile("echo Welcome\necho to this host\necho oops >&2\n");
  const noisy = (await site.doctor(["--configuration", plain("noisy.toml")])).finding(
    "login-shell",
  );
  expect(noisy.state).toBe("warn");
  expect(noisy.seen).toContain('writes 2 lines to stdout, first "Welcome"');
  expect(noisy.seen).toContain('writes 1 line to stderr, first "oops"');
  site.profile("echo no more of this >&2\nexit 3\n");
  const ended = await site.doctor(["--configuration", plain("ended.toml")]);
  expect(ended.finding("login-shell").state).toBe("fail");
  expect(ended.finding("login-shell").seen).toContain("ended with status 3");
  // With a system PATH instead of the user's.
  expect(ended.finding("container").state).toBe("ok");
  site.profile("");
});

test("a login shell that waits for ever", async () => {
  site.profile("sleep 61742\n");
  const { finding, findings, status } = await site.doctor([]);
  expect(finding("login-shell").state).toBe("fail");
  expect(finding("login-shell").seen).toContain("did not end within 15 seconds");
  expect(findings).toHaveLength(22);
  expect(status).toBe(1);
  expect(processesWith("sleep 61742")).toEqual([]);
  site.profile("");
});

test("--write-fake of a newer ch-run is tried for real", async () => {
  const newer = newerChRun(`${site.dir}/newer`);
  const lines = ["[general.charliecloud]", `application_path = "${newer.path}"`];
  const { finding } = await site.doctor(["--configuration", plain("newer.toml", ...lines)]);
  expect(finding("ch-run").seen).toContain(newer.version);
  expect(finding("write-fake")).toMatchObject({
    state: "ok",
    seen: "files could be written over a read-only image",
  });
});

test("Ctrl-C ends it, and nothing of what it made stays", async () => {
  const traces = () => readdirSync("/var/tmp").filter((name) => name.startsWith("jacamar-doctor-"));
  const mark = "sleep 61743";
  site.profile(`${mark}\n`);
  const before = traces();
  const child = Bun.spawn([site.program, "doctor"], {
    env: { HOME: site.home, PATH: "/usr/bin:/bin" },
    stdio: ["ignore", "ignore", "ignore"],
  });
  await until(() => processesWith(mark).length > 0, "the login shell runs");
  child.kill("SIGINT");
  await child.exited;
  expect(child.signalCode).toBe("SIGINT");
  expect(traces().filter((name) => !before.includes(name))).toEqual([]);
  // SIGKILL takes its time.
  await until(() => processesWith(mark).length === 0, "the login shell has ended");
  site.profile("");
});

test("only root becomes another user", async () => {
  const before = isRoot ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : [];
  const refused = await site.doctor(["--user", "root"], { before });
  expect([refused.status, refused.stdout]).toEqual([2, ""]);
  expect(refused.stderr).toContain("only root can become another user");
  if (!isRoot) return;
  const unknown = await site.doctor(["--user", "nobody-of-that-name"]);
  expect([unknown.status, unknown.stdout]).toEqual([2, ""]);
  expect(unknown.stderr).toContain("this host has no such user");
});

// Mounts and other users need root.
if (isRoot) {
  let user: OrdinaryUser;
  beforeAll(() => {
    mkdirSync(`${site.dir}/accounts`);
    user = ordinaryUser(`${site.dir}/accounts`);
  });
  afterAll(() => user.remove());

  test("as an ordinary user, with home and groups of the user database", async () => {
    const configuration = site.configure(
      "user.toml",
      ...["[general]", 'executor = "shell"', 'data_dir = "$HOME"'],
      'run_mechanism = "charliecloud"',
    );
    const { finding, stdout } = await site.doctor(
      ["--user", user.name, "--configuration", configuration],
      { before: ["unshare", "--mount", "sh", "-c", `${CLOSED_FUSE}; exec "$@"`, "sh"] },
    );
    expect(JSON.parse(stdout).user).toEqual({ name: user.name, uid: user.uid });
    expect(finding("account")).toMatchObject({ state: "ok" });
    expect(finding("data-dir").seen).toContain(`${user.home}/.jacamar-ci`);
    expect(finding("data-dir").state).toBe("ok");
    expect(finding("fuse")).toMatchObject({ state: "warn" });
    expect(finding("fuse").seen).toContain("this user may not open it");
    expect(finding("container").state).toBe("ok");
    expect(finding("squashfs").seen).toBe("not tried without /dev/fuse, see above");
  });

  test("no /dev/fuse at all", async () => {
    const dev = `${site.dir}/dev`;
    mkdirSync(dev);
    const script = `mount -t tmpfs none ${dev} && cp -a /dev/null /dev/zero /dev/urandom ${dev} && mount --bind ${dev} /dev && exec "$@"`;
    const { finding } = await site.doctor(["--configuration", plain("fuse.toml")], {
      before: ["unshare", "--mount", "sh", "-c", script, "sh"],
    });
    expect(finding("fuse")).toMatchObject({ state: "warn", fix: "modprobe fuse" });
    expect(finding("fuse").seen).toBe("there is no /dev/fuse");
  });

  test("a data_dir in memory that is mounted noexec", async () => {
    mkdirSync(`${site.dir}/data`, { recursive: true });
    const script = `mount -t tmpfs -o noexec none ${site.dir}/data && exec "$@"`;
    const { finding, status } = await site.doctor(["--configuration", plain("noexec.toml")], {
      before: ["unshare", "--mount", "sh", "-c", script, "sh"],
    });
    expect([status, finding("data-dir").state]).toEqual([1, "fail"]);
    expect(finding("data-dir").seen).toContain(`tmpfs on ${site.dir}/data`);
    expect(finding("data-dir").seen).toContain("mounted noexec; it lies in memory");
    expect(finding("data-dir").fix).toContain("mount it with exec, or [general] data_dir");
  });
}

/** Whatever mode this host's own has. */
const CLOSED_FUSE =
  "mount -t tmpfs none /mnt && mknod /mnt/fuse c 10 229 && chmod 600 /mnt/fuse && mount --bind /mnt/fuse /dev/fuse";
