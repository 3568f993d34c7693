import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import parse from "parse-prometheus-text-format";
import { METRICS, seriesNames } from "../../src/metrics/definitions.ts";
import { binaryPath } from "../binary.ts";
import { tinyRoot } from "../fixtures/images.ts";
import { type Registry, startRegistry } from "../fixtures/registry.ts";
import { type PbsCluster, startPbs } from "../standins/pbs/cluster.ts";
import { makeSite, type Site, type SiteOptions } from "./site.ts";

const sites: Site[] = [];
let dir = "";
let registry: Registry;
let image = "";
let pbs: PbsCluster;
beforeAll(async () => {
  dir = mkdtempSync("/var/tmp/jacamar-metrics-");
  registry = await startRegistry({ dir: `${dir}/registry`, auth: "none" });
  image = registry.push("ci/tool", tinyRoot(`${dir}/root`));
  pbs = startPbs("history");
});
afterAll(async () => {
  for (const site of sites) site.close();
  await Promise.all([registry.stop(), pbs.stop()]);
  rmSync(dir, { recursive: true });
});

const METERED = ["[general.metrics]", 'textfile = "$HOME/jacamar.prom"'];
const LOGGED = ["[general.log]", 'file = "$HOME/jacamar.jsonl"'];

function place(options: SiteOptions = {}): Site {
  const { more = [], general = [] } = options;
  const made = makeSite({
    ...options,
    general: ['kill_timeout = "2s"', ...general],
    more: [...METERED, ...LOGGED, ...more],
  });
  sites.push(made);
  return made;
}

/** The samples of a site by their text, as far as a third party's parser takes the file for valid. */
function samples({ home }: Site): Record<string, number> {
  const text = readFileSync(`${home}/jacamar.prom`, "utf8");
  expect(parse(text).length).toBeGreaterThan(0);
  const known = Object.values(METRICS).flatMap(seriesNames);
  // The parser throws the labels of histograms together, but not those of metrics without a type.
  const found = parse(text.replaceAll(/^# TYPE .* histogram\n/gm, "")).flatMap(
    ({ name, metrics }) => {
      if (name.startsWith("jacamar_phase_seconds") && metrics.length === 0) return [];
      expect(known).toContain(name);
      return metrics.map(({ labels = {}, value }) => {
        const words = Object.values(labels).join(" ");
        return [`${name.replace("jacamar_", "")} ${words}`, Number(value)] as const;
      });
    },
  );
  return Object.fromEntries(found);
}

interface Event {
  readonly phase: string;
  readonly job: string;
  readonly project: string;
  readonly outcome: string;
  readonly seconds: number;
  readonly stage?: string;
}

function events({ home }: Site): Event[] {
  const lines = readFileSync(`${home}/jacamar.jsonl`, "utf8").trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as Event);
}

const job = (id: number, script: readonly string[], more: object = {}) => ({
  id,
  name: "job",
  script: [...script],
  ...more,
});

test("each outcome is counted once", async () => {
  const site = place();
  const runner = site.runner();
  await runner.run(job(1, ["echo fine"], { afterScript: ["false"] }));
  await runner.run(job(2, ["exit 3"]));
  await runner.run(job(3, ["echo ready", "sleep 100"]), {
    cancelDuring: { stage: "build_script", onText: "ready" },
  });
  await runner.run(job(4, ["kill -KILL $$", "sleep 5"]));
  site.configure({ more: [...METERED, ...LOGGED, "[auth]", 'downscope = "setuid"'] });
  const refused = await site.runner({ flags: [] }).run(job(5, ["true"]));
  expect(samples(site)).toMatchObject({
    "attempts_total shell success": 1,
    "attempts_total shell script_failure": 1,
    "attempts_total shell cancelled": 1,
    "attempts_total shell system_failure": 1,
    "attempts_total shell refused": refused.attempts,
    "running_jobs shell": 0,
    "phase_seconds_count shell run": 4,
  });
});

test("30 jobs at once are counted right, and none is left running", async () => {
  const site = place();
  const runner = site.runner();
  const ids = Array.from({ length: 30 }, (_, at) => at);
  const results = await Promise.all(
    ids.map((id) => runner.run({ ...job(id + 1, [`exit ${id % 3}`]), concurrentId: id } as never)),
  );
  const good = results.filter(({ status }) => status === "success").length;
  expect(good).toBe(10);
  expect(samples(site)).toMatchObject({
    "attempts_total shell success": 10,
    "attempts_total shell script_failure": 20,
    "phase_seconds_count shell prepare": 30,
    "phase_seconds_count shell run": 30,
    "phase_seconds_bucket shell run +Inf": 30,
    "running_jobs shell": 0,
  });
  expect(events(site).filter(({ phase }) => phase === "job").length).toBe(30);
  expect(readdirSync(`${site.home}/jacamar.prom.d`).sort()).toEqual(["lock", "totals.json"]);
}, 60_000);

test("a supervisor that is killed leaves a valid file, and its attempt has an unknown end", async () => {
  const site = place();
  await site.runner().run(job(1, ["kill -KILL $PPID", "sleep 1"]));
  const killed = "attempts_total shell unknown";
  expect(samples(site)).toMatchObject({ [killed]: 1, "running_jobs shell": 0 });
});

test("an image is a miss, then a hit; its pull and flattening are timed once", async () => {
  const site = place({
    charliecloud: [],
    general: [`user_bash_env = ["REQUESTS_CA_BUNDLE=${registry.caFile}"]`],
  });
  for (const id of [1, 2]) {
    const result = await site.runner().run(job(id, ["true"], { image: { name: image } }));
    expect(result.status).toBe("success");
  }
  const found = samples(site);
  expect(found).toMatchObject({
    "cache_images_total builtin hit": 1,
    "cache_images_total builtin miss": 1,
    "phase_seconds_count shell pull": 1,
    "phase_seconds_count shell flatten": 1,
  });
  const bytes = found["cache_image_bytes_total builtin miss"];
  expect(bytes).toBeGreaterThan(1000);
  expect(found["cache_image_bytes_total builtin hit"]).toBe(bytes as number);
});

test("what makes room in the cache is counted", async () => {
  const site = place({
    charliecloud: [],
    general: [`user_bash_env = ["REQUESTS_CA_BUNDLE=${registry.caFile}"]`],
    more: ["[general.charliecloud.cache]", 'max_size = "1kB"'],
  });
  const other = registry.push("ci/other", tinyRoot(`${dir}/other`, { files: { "/x": "1\n" } }));
  for (const [at, name] of [image, other].entries())
    await site.runner().run(job(at + 1, ["true"], { image: { name } }));
  const found = samples(site);
  expect(found["cache_evictions_total entry"]).toBe(1);
  expect(found["cache_evicted_bytes_total entry"]).toBeGreaterThan(1000);
});

test("a batch job's queue and run are told apart", async () => {
  const site = place({
    executor: "pbs",
    general: ['kill_timeout = "20s"'].slice(1),
    more: [
      "[batch]",
      `scheduler_bin = "${pbs.bin}"`,
      `env_vars = ["PBS_CONF_FILE=${pbs.conf}"]`,
      'command_delay = "1s"',
      'nfs_timeout = "2s"',
    ],
  });
  const result = await site.runner().run(job(1, ["sleep 1.2"]));
  expect(result.status).toBe("success");
  const found = samples(site);
  expect(found).toMatchObject({
    "attempts_total pbs success": 1,
    "phase_seconds_count pbs queue": 1,
    "phase_seconds_count pbs run": 1,
  });
  expect(found["phase_seconds_sum pbs run"]).toBeGreaterThan(0.8);
  const refused = await site
    .runner()
    .run(job(2, ["true"], { variables: [{ key: "SCHEDULER_PARAMETERS", value: "-q nosuch" }] }));
  expect(refused.status).toBe("failed");
  expect(samples(site)["attempts_total pbs refused"]).toBe(1);
});

test("the log has a line for each phase, with the job's and the project's id and no secret", async () => {
  const site = place();
  const secret = "hunter2-is-secret";
  const variables = [
    { key: "TOKEN", value: secret, masked: true },
    { key: "CUSTOM_CI_BUILDS_DIR", value: `relative/${secret}` },
  ];
  await site.runner().run(job(7, ['echo "$TOKEN"'], { variables }));
  site.configure({
    general: ["custom_build_dir = true"],
    more: [...METERED, ...LOGGED],
  });
  await site.runner().run(job(8, ["true"], { variables }));
  const all = events(site);
  const of = (id: string) => all.filter((event) => event.job === id);
  expect(of("7").map(({ phase, stage }) => stage ?? phase)).toEqual([
    "config",
    "prepare",
    "prepare_script",
    "get_sources",
    "build_script",
    "cleanup_file_variables",
    "job",
  ]);
  expect(of("8").map(({ phase, outcome }) => [phase, outcome])).toContainEqual([
    "config",
    "refused",
  ]);
  for (const event of all) {
    expect(event.project).toBe("31");
    expect(event.seconds).toBeGreaterThanOrEqual(0);
  }
  const text = readFileSync(`${site.home}/jacamar.jsonl`, "utf8");
  expect(text).toContain("[MASKED]");
  expect(text).not.toContain(secret);
  expect(readFileSync(`${site.home}/jacamar.prom`, "utf8")).not.toContain(secret);
});

test("paths that cannot be written to cost a warning each, and no job", async () => {
  const site = makeSite({
    more: [
      "[general.metrics]",
      'textfile = "/proc/nowhere/jacamar.prom"',
      "[general.log]",
      'file = "relative.jsonl"',
    ],
  });
  sites.push(site);
  const result = await site.runner().run(job(1, ["true"]));
  expect(result.status).toBe("success");
  const said = result.hooks.map(({ stderr }) => stderr).join("");
  expect(
    said.match(/cannot write what .*textfile = "\/proc\/nowhere\/jacamar.prom"/g)?.length,
  ).toBe(1);
  expect(said.match(/cannot write what .*file = "relative.jsonl".*it is relative/g)?.length).toBe(
    1,
  );
});

test("notes that a job spoils cost no job its cleanup", async () => {
  const site = place();
  const spoil = (_stage: string, { temporaryDirectory }: { temporaryDirectory: string }) => {
    const notes = `${temporaryDirectory}/jacamar-notes.jsonl`;
    if (existsSync(notes))
      writeFileSync(notes, '{"kind":"stage","stage":1}\nnull\n[1]\n{"kind":"hook"}\n{{{', {
        flag: "a",
      });
  };
  const result = await site.runner().run(job(1, ["true"]), { beforeStage: spoil });
  expect(result.status).toBe("success");
  expect(result.hooks.at(-1)?.code).toBe(0);
  expect(samples(site)["running_jobs shell"]).toBe(0);
});

test("jobs of jacamar try are neither counted nor logged", () => {
  const site = place();
  const words = ["try", "--configuration", site.configuration, "--", "echo", "tried"];
  const { stdout, exitCode } = Bun.spawnSync([binaryPath(), ...words], {
    env: { HOME: site.home, PATH: site.path, TMPDIR: `${site.dir}/tmp` },
    cwd: `${site.dir}/tmp`,
  });
  expect([exitCode, stdout.toString().includes("tried")]).toEqual([0, true]);
  expect(readdirSync(site.home)).toEqual([]);
});

test("by default nothing is written", async () => {
  const site = makeSite();
  sites.push(site);
  await site.runner().run(job(1, ["true"]));
  expect(readdirSync(site.home)).toEqual([]);
});
