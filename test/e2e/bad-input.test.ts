import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import type { JobResult } from "../../src/runner/types.ts";
import { binaryPath } from "../binary.ts";
import { tinyRoot } from "../fixtures/images.ts";
import { type Registry, startRegistry } from "../fixtures/registry.ts";
import { driverCommands, makeSite, type Site } from "./site.ts";

/** Whatever is wrong: one clear line, and never a stack trace. */
function expectRefusal(
  result: JobResult,
  expected: { readonly by: "user" | "system"; readonly says: string | RegExp },
): void {
  const { by, says } = expected;
  expect(result.failureReason).toBe(by === "user" ? "script_failure" : "runner_system_failure");
  expect(result.attempts).toBe(by === "user" ? 1 : 3);
  const lines = result.log.split("\n").filter((line) => line.startsWith("jacamar: error: "));
  const matches = (line: string) =>
    typeof says === "string" ? line.includes(says) : says.test(line);
  expect(lines.filter(matches)).not.toEqual([]);
  expect(result.log).not.toMatch(/^\s+at .*(\.ts|\.js|\$bunfs)/m);
  expect(result.log).not.toContain("this is a fault of the driver");
}

const job = { id: 900, name: "x", script: ["true"] };
let site: Site;
beforeAll(() => {
  site = makeSite({ charliecloud: [] });
});
afterAll(() => site.close());

const files: readonly (readonly [string, (path: string) => void, string | RegExp])[] = [
  ["missing", (path) => rmSync(path), "no such file"],
  ["a directory", (path) => rmSync(path) ?? mkdirSync(path), "directory"],
  ["huge", (path) => writeFileSync(path, "#".repeat(3 << 20)), "1 MiB"],
  [
    "binary",
    (path) => writeFileSync(path, Buffer.from([0x7f, 0x45, 0, 1, 2, 255])),
    /UTF-8|binary/,
  ],
  ["cut short", (path) => writeFileSync(path, '[general]\nexecutor = "sh'), /:2:/],
  [
    "of wrong types",
    (path) => writeFileSync(path, "[general]\nexecutor = 1\ndata_dir = []\n"),
    "data_dir",
  ],
  ["without executor", (path) => writeFileSync(path, '[general]\ndata_dir = "/x"\n'), "executor"],
  [
    "with a mistyped key",
    (path) => writeFileSync(path, '[general]\nexectuor = "shell"\ndata_dir = "/x"\n'),
    /:2:1: .*exectuor.*nearest.*executor/,
  ],
  [
    "with a bad regular expression",
    (path) =>
      writeFileSync(
        path,
        '[general]\nexecutor = "shell"\ndata_dir = "/x"\n[general.charliecloud]\nimage_allowlist = ["a("]\n',
      ),
    "a(",
  ],
  [
    "with a relative data_dir",
    (path) => writeFileSync(path, '[general]\nexecutor = "shell"\ndata_dir = "data"\n'),
    "data_dir",
  ],
  [
    "with a mirror that is a URL",
    (path) =>
      appendFileSync(
        path,
        '[[general.charliecloud.mirror]]\nregistry = "docker.io"\nmirror = "https://m.example"\n',
      ),
    /:\d+:10: \[\[general\.charliecloud\.mirror\]\] mirror: "https:.*wanted host/,
  ],
  [
    "with a size that is none",
    (path) => appendFileSync(path, '[general.charliecloud.cache]\nmax_size = "50G"\n'),
    '[general.charliecloud.cache] max_size: "50G" is not a size',
  ],
  [
    "with an executor that is retired",
    (path) => writeFileSync(path, '[general]\nexecutor = "cobalt"\ndata_dir = "/x"\n'),
    '"cobalt"',
  ],
];
for (const [name, spoil, says] of files) {
  test(`a configuration that is ${name} stops the job with a clear line`, async () => {
    const spoiled = makeSite();
    spoil(spoiled.configuration);
    expectRefusal(await spoiled.runner().run(job), { by: "system", says });
    spoiled.close();
  });
}

test("[auth] downscope is never skipped in silence", async () => {
  for (const [auth, says] of [
    [["[auth]", 'downscope = "setuid"'], '"setuid"'],
    [["[auth]", 'user_allowlist = ["me"]'], "is not set"],
  ] as const) {
    const guarded = makeSite({ more: auth });
    expectRefusal(await guarded.runner({ flags: [] }).run(job), { by: "system", says });
    expect((await guarded.runner({ flags: ["--no-auth"] }).run(job)).status).toBe("success");
    guarded.close();
  }
  const open = makeSite({ more: ["[auth]", 'downscope = "none"'] });
  expect((await open.runner({ flags: ["-u"] }).run(job)).status).toBe("success");
  open.close();
});

test("image names that cannot be used are the user's fault, and the name is quoted", async () => {
  for (const [name, says] of [
    ["has space/x:1", '"has space/x:1"'],
    ["registry.example/Upper/Case:1", "registry.example/Upper/Case:1"],
    ["docker://debian:12", "docker://"],
    ["debian:12\nrm -rf", '"debian:12\\nrm -rf"'],
    ["x@sha256:short", "sha256"],
  ] as const) {
    expectRefusal(await site.runner().run({ ...job, image: { name } }), { by: "user", says });
  }
});

test("a payload that is cut short or missing is named", async () => {
  for (const [spoil, says] of [
    [(path: string) => writeFileSync(path, '{"id":1,"tok'), "JOB_RESPONSE_FILE"],
    [(path: string) => rmSync(path), "does not exist"],
  ] as const) {
    const result = await site.runner().run(job, {
      beforeStage: (stage, { temporaryDirectory }) => {
        if (stage === "config") spoil(`${temporaryDirectory}/response.json`);
      },
    });
    expectRefusal(result, { by: "system", says });
  }
});

test("a stage that nobody knows runs like one of the runner's own; a run without prepare is refused", async () => {
  let unknown = "";
  let early = "";
  const stage = (directory: string) => {
    writeFileSync(`${directory}/extra`, "#!/usr/bin/env bash\necho from tomorrow\nexit 0\n");
    const env = { HOME: site.home, JACAMAR_CI_STATE: `${directory}/jacamar-state.json` };
    const words = ["run", `${directory}/extra`, "stage of/tomorrow"];
    const { stdout, stderr, exitCode } = Bun.spawnSync([binaryPath(), ...words], { env });
    return `${exitCode} ${stdout}${stderr}`;
  };
  const result = await site.runner().run(job, {
    beforeStage: (name, { temporaryDirectory }) => {
      if (name === "prepare") early = stage(temporaryDirectory);
      if (name === "build_script") unknown = stage(temporaryDirectory);
    },
  });
  expect(result.status).toBe("success");
  expect(unknown).toBe("0 from tomorrow\n");
  expect(early).toContain("2 jacamar: error: cannot run stage stage of/tomorrow: the prepare hook");
});

test("missing Charliecloud programs are named with the key to set", async () => {
  const bare = makeSite({ charliecloud: ['application_path = "/nonexistent/bin"'] });
  const result = await bare.runner().run({ ...job, image: { name: "debian:12" } });
  expectRefusal(result, { by: "system", says: /ch-run was not found in .*application_path/ });
  bare.close();
});

test("a working directory that was deleted gives one line", () => {
  const gone = mkdtempSync("/var/tmp/jacamar-gone-");
  const script = `cd ${gone} && rmdir ${gone} && exec ${binaryPath()} --version`;
  const { exitCode, stderr } = Bun.spawnSync(["sh", "-c", script]);
  expect(exitCode).not.toBe(0);
  expect(stderr.toString().trim().split("\n")).toHaveLength(1);
  expect(stderr.toString()).toContain("current working directory was deleted");
});

if (process.getuid?.() === 0) {
  test("a data_dir of somebody else, behind somebody else's link, or on a full or read-only disk", async () => {
    const dir = mkdtempSync("/var/tmp/jacamar-disk-");
    chmodSync(dir, 0o755);
    const at = (name: string) => {
      mkdirSync(`${dir}/${name}`);
      return `${dir}/${name}`;
    };
    const foreign = at("foreign");
    chownSync(foreign, 65534, 65534);
    const linked = `${dir}/link`;
    symlinkSync(at("target"), linked);
    await Bun.$`chown -h 65534:65534 ${linked}`;
    const full = at("full");
    await Bun.$`mount -t tmpfs -o size=64k tmpfs ${full}`;
    await Bun.$`dd if=/dev/zero of=${full}/fill bs=1k count=200`.quiet().nothrow();
    const readOnly = at("read-only");
    await Bun.$`mount -t tmpfs -o ro tmpfs ${readOnly}`;
    try {
      for (const [dataDir, says] of [
        [foreign, "belongs to uid 65534"],
        [linked, "symbolic link of uid 65534"],
        [full, /no space left/i],
        [readOnly, /read-only/],
      ] as const) {
        const spoiled = makeSite({ dataDir });
        expectRefusal(await spoiled.runner().run(job), { by: "system", says });
        spoiled.close();
      }
    } finally {
      await Bun.$`umount ${full} ${readOnly}`;
      rmSync(dir, { recursive: true });
    }
  });

  test("a configuration that the user may not read", async () => {
    const user = { uid: 65534, gid: 65534 };
    const locked = makeSite({ user });
    chmodSync(locked.configuration, 0o600);
    expectRefusal(await locked.runner().run(job), { by: "system", says: "permission denied" });
    locked.close();
  });
}

test("unprivileged user namespaces that are off are recognised", async () => {
  const dir = mkdtempSync("/var/tmp/jacamar-userns-");
  const registry: Registry = await startRegistry({ dir: `${dir}/registry`, auth: "none" });
  const image = registry.push("ci/tiny", tinyRoot(`${dir}/root`));
  const here = makeSite({
    charliecloud: [],
    general: [`user_bash_env = ["REQUESTS_CA_BUNDLE=${registry.caFile}"]`],
  });
  // A user namespace has its own limit for further ones.
  const script = 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"';
  const closed = ["/usr/bin/unshare", "-Ur", "sh", "-c", script, "sh"];
  const driver = driverCommands(here.configuration, ["--no-auth"]);
  const result = await here
    .runner({ driver: { ...driver, prepare: [...closed, ...driver.prepare] } })
    .run({ ...job, image: { name: image } });
  expectRefusal(result, { by: "system", says: /user namespaces are off or used up/ });
  here.close();
  await registry.stop();
  rmSync(dir, { recursive: true });
});
