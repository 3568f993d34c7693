import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { binaryPath } from "../binary.ts";
import { tinyRoot } from "../fixtures/images.ts";
import { type Registry, startRegistry, TESTER } from "../fixtures/registry.ts";
import { cacheOf, containerJob } from "./container-site.ts";
import { makeSite, type Site } from "./site.ts";

let dir = "";
let open: Registry;
let closed: Registry;
let images = { open: "", closed: "" };
const sites: Site[] = [];

beforeAll(async () => {
  dir = mkdtempSync("/var/tmp/jacamar-cache-");
  open = await startRegistry({ dir: `${dir}/open`, auth: "none" });
  closed = await startRegistry({ dir: `${dir}/closed`, auth: "basic" });
  const root = tinyRoot(`${dir}/root`, { files: { "/version": "one\n" } });
  images = { open: open.push("ci/tool", root), closed: closed.push("ci/tool", root) };
});
afterAll(async () => {
  for (const site of sites) site.close();
  await Promise.all([open.stop(), closed.stop()]);
  rmSync(dir, { recursive: true });
});

function site(
  registry: Registry,
  charliecloud: readonly string[] = [],
  more: readonly string[] = [],
) {
  const general = [`user_bash_env = ["REQUESTS_CA_BUNDLE=${registry.caFile}"]`];
  const made = makeSite({ charliecloud, general, more });
  sites.push(made);
  return made;
}

const ACCOUNT = [
  { key: "CH_IMAGE_USERNAME", value: TESTER.username },
  { key: "CH_IMAGE_PASSWORD", value: TESTER.password, masked: true },
];

function privateJob(
  projectId: number,
  pullPolicy: readonly string[],
  variables: readonly object[],
) {
  return {
    ...containerJob(images.closed),
    image: { name: images.closed, pullPolicy },
    project: { id: projectId, name: `project-${projectId}`, path: `acme/project-${projectId}` },
    variables,
  } as never;
}

/** Runs the driver's `cache` command as an admin would. */
function cacheCommand(here: Site, words: readonly string[], env: Record<string, string> = {}) {
  const command = [binaryPath(), "cache", ...words, "--configuration", here.configuration];
  const { stdout, stderr, exitCode } = Bun.spawnSync(command, {
    env: { HOME: here.home, PATH: here.path, ...env },
    cwd: "/",
  });
  return { out: stdout.toString(), err: stderr.toString(), exitCode };
}

test("a tag that moves does not touch the job that runs, and the next job gets the new image", async () => {
  const here = site(open);
  const { promise: started, resolve: start } = Promise.withResolvers<void>();
  const onLog = (text: string) => {
    if (/^one$/m.test(text)) start();
  };
  const wait = "until [ -e go ]; do sleep 0.1; done";
  const running = here
    .runner({ onLog })
    .run(containerJob(images.open, { script: ["cat /version", wait, "cat /version"] }));
  await started;
  open.push("ci/tool", tinyRoot(`${dir}/root-two`, { files: { "/version": "two\n" } }));
  const next = await here
    .runner({ concurrentId: 1 })
    .run(containerJob(images.open, { script: ["cat /version"] }));
  writeFileSync(`${here.dataDir}/builds/widget_31/000/acme/widget/go`, "");
  const first = await running;
  expect([first.status, first.log.match(/^one$/gm)?.length]).toEqual(["success", 2]);
  expect([next.status, next.log.match(/^two$/gm)?.length]).toEqual(["success", 1]);
  expect(readdirSync(`${cacheOf(here)}/entries`).length).toBe(2);
});

test("a private image in the cache opens for nobody without the right", async () => {
  const here = site(closed);
  const owner = await here.runner().run(privateJob(1, ["always"], ACCOUNT));
  expect(owner.status).toBe("success");
  const wrong = ACCOUNT.map((one) => (one.masked ? { ...one, value: "wrong-password" } : one));
  for (const variables of [[], wrong]) {
    for (const policies of [["always"], ["always", "if-not-present"], ["if-not-present"]]) {
      const other = await here.runner().run(privateJob(2, policies, variables));
      expect([variables.length, policies, other.failureReason]).toEqual([
        variables.length,
        policies,
        "script_failure",
      ]);
      expect(other.log).not.toContain("from the image cache");
    }
  }
  const never = await here.runner().run(privateJob(2, ["never"], []));
  expect(never.failureReason).toBe("script_failure");
  // The project and account that were granted it, without asking; a job without the account, as on an unprotected branch.
  const before = closed.requests().length;
  const again = await here.runner().run(privateJob(1, ["if-not-present"], ACCOUNT));
  expect(closed.requests().length).toBe(before);
  const without = await here.runner().run(privateJob(1, ["if-not-present"], []));
  expect(without.failureReason).toBe("script_failure");
  const allowed = await here.runner().run(privateJob(2, ["always"], ACCOUNT));
  expect([again.status, allowed.status]).toEqual(["success", "success"]);
  expect(allowed.log).toContain("from the image cache");
});

test("cache pull warms the cache for jobs, ls shows it, rm and gc take it away", async () => {
  const here = site(open, ["offline = false"]);
  const pulled = cacheCommand(here, ["pull", images.open]);
  expect([pulled.exitCode, pulled.err]).toEqual([0, ""]);
  expect(pulled.out).toContain("pulled by builtin");
  const result = await here.runner().run(containerJob(images.open));
  expect([result.status, result.log.includes("from the image cache")]).toEqual(["success", true]);
  expect(cacheCommand(here, ["ls"]).out).toContain(images.open);
  expect(cacheCommand(here, ["verify"]).exitCode).toBe(0);
  expect(cacheCommand(here, ["rm", images.open]).exitCode).toBe(0);
  expect(readdirSync(`${cacheOf(here)}/entries`)).toEqual([]);
});

test("cache pull says what is wrong with an image, and goes on with the next", () => {
  const here = site(closed);
  const none = cacheCommand(here, ["pull", images.closed, `${closed.host}/ci/none:1`]);
  expect(none.exitCode).toBe(1);
  expect(none.err.match(/cannot pull/g)?.length).toBe(2);
  const env = { CH_IMAGE_USERNAME: TESTER.username, CH_IMAGE_PASSWORD: TESTER.password };
  const some = cacheCommand(here, ["pull", `${closed.host}/ci/none:1`, images.closed], env);
  expect(some.exitCode).toBe(1);
  expect(some.out).toContain("pulled by builtin");
  expect(`${some.out}${some.err}`).not.toContain(TESTER.password);
  expect(cacheCommand(here, ["pull"]).exitCode).toBe(2);
});

test("an image that an admin pulled for everyone serves a site without a network", async () => {
  const here = site(closed);
  const env = { CH_IMAGE_USERNAME: TESTER.username, CH_IMAGE_PASSWORD: TESTER.password };
  expect(cacheCommand(here, ["pull", "--for-everyone", images.closed], env).exitCode).toBe(0);
  here.configure({ charliecloud: ["offline = true"] });
  const before = closed.requests().length;
  const served = await here.runner().run(privateJob(2, [], []));
  expect(served.status).toBe("success");
  const absent = await here.runner().run(containerJob(`${closed.host}/ci/other:1`));
  expect(absent.log).toContain("[general.charliecloud] offline");
  expect(closed.requests().length).toBe(before);
});

test("puller = ch-image fills the same cache", async () => {
  const here = site(open, [], ["[general.charliecloud.cache]", 'puller = "ch-image"']);
  const first = await here.runner().run(containerJob(images.open));
  expect([first.status, first.log.includes("pulled by ch-image")]).toEqual(["success", true]);
  const second = await here.runner().run(containerJob(images.open));
  expect([second.status, second.log.includes("from the image cache")]).toEqual(["success", true]);
  expect(readdirSync(`${cacheOf(here)}/tmp`)).toEqual([]);
});

test("a mirror is asked instead of the registry in the name", async () => {
  const mirror = [
    "[[general.charliecloud.mirror]]",
    'registry = "registry.elsewhere.example"',
    `mirror = "${open.host}"`,
  ];
  const here = site(open, [], mirror);
  const result = await here.runner().run(containerJob("registry.elsewhere.example/ci/tool:latest"));
  expect([result.status, result.log.includes("pulled by builtin")]).toEqual(["success", true]);
});

const isRoot = process.getuid?.() === 0;

test.if(isRoot)(
  "a directory that somebody else made above the default cache is not used",
  async () => {
    const here = site(open);
    const storage = `${here.dir}/somebody.ch`;
    const general = [
      `user_bash_env = ["REQUESTS_CA_BUNDLE=${open.caFile}", "CH_IMAGE_STORAGE=${storage}"]`,
      'run_mechanism = "charliecloud"',
    ];
    here.configure({ general });
    mkdirSync(`${storage}.jacamar/images`, { recursive: true });
    chownSync(`${storage}.jacamar`, 65534, 65534);
    const refused = await here.runner().run(containerJob(images.open));
    expect(refused.failureReason).toBe("runner_system_failure");
    expect(refused.log).toContain("belongs to uid 65534");
    chownSync(`${storage}.jacamar`, 0, 0);
    const used = await here.runner().run(containerJob(images.open));
    expect(used.status).toBe("success");
    expect(readdirSync(`${storage}.jacamar/images/v1/entries`).length).toBe(1);
  },
);

test("a shared cache is made where it is not there yet", async () => {
  const shared = `${dir}/shared/images`;
  const here = site(
    open,
    [],
    ["[general.charliecloud.cache]", `dir = "${shared}"`, "shared = true"],
  );
  const result = await here.runner().run(containerJob(images.open));
  expect([result.status, readdirSync(`${shared}/v1/entries`).length]).toEqual(["success", 1]);
});

test.each(["builtin", "ch-image"])(
  "a name without a registry is asked of the site's default one: %s",
  async (puller) => {
    const [, port = ""] = /:(\d+)\//.exec(images.open) ?? [];
    const env = [
      `REQUESTS_CA_BUNDLE=${open.caFile}`,
      "CH_REGY_DEFAULT_HOST=127.0.0.1",
      `CH_REGY_DEFAULT_PORT=${port}`,
      "CH_REGY_PATH_PREFIX=ci",
    ];
    const here = makeSite({
      general: [`user_bash_env = ${JSON.stringify(env)}`],
      charliecloud: [],
      more: ["[general.charliecloud.cache]", `puller = "${puller}"`],
    });
    sites.push(here);
    const result = await here.runner().run(containerJob("tool"));
    expect(result.status).toBe("success");
    expect(result.log).toContain(`Image 127.0.0.1:${port}/ci/tool:latest: sha256:`);
    expect(result.log).toContain(`pulled by ${puller}`);
  },
);

test("an image that this host started in the same way within the hour is not tried again; a new one is", async () => {
  const calls = `${dir}/ch-run-calls`;
  const chRun = `${dir}/bin/ch-run`;
  mkdirSync(`${dir}/bin`);
  const wrapper = `#!/bin/sh\necho "$*" >> ${calls}\nexec /usr/bin/ch-run "$@"\n`;
  writeFileSync(chRun, wrapper, { mode: 0o755 });
  const here = site(open, [`application_path = "${dir}/bin"`]);
  const trials = async (name: string, jobs = 1) => {
    rmSync(calls, { force: true });
    const runner = here.runner();
    const runs = Array.from({ length: jobs }, () => runner.run(containerJob(name)));
    for (const { status } of await Promise.all(runs)) expect(status).toBe("success");
    return readFileSync(calls, "utf8").match(/\/bin\/sh -c/g)?.length ?? 0;
  };
  expect([await trials(images.open), await trials(images.open)]).toEqual([1, 0]);
  const root = tinyRoot(`${dir}/root-three`, { files: { "/version": "three\n" } });
  // Jobs at the same time have different directories, and one trial between them.
  expect(await trials(open.push("ci/third", root), 3)).toBe(1);
});
