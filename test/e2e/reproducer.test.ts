import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { mustRun } from "../fixtures/must-run.ts";
import { type ContainerTests, containerJob, startContainerTests } from "./container-site.ts";
import { makeSite, type Site } from "./site.ts";

let tests: ContainerTests;
let site: Site;
beforeAll(async () => {
  tests = await startContainerTests();
  site = makeSite();
});
afterAll(async () => {
  site.close();
  await tests.close();
});

const SECRET = "s3cr3t-'$(id)-value";
const wanted = { key: "JACAMAR_CI_REPRODUCER", value: "true" };
const variables = [
  wanted,
  { key: "API_KEY", value: SECRET, masked: true },
  { key: "API_URL", value: `https://user:${SECRET}@api.example/`, masked: false },
  { key: "SAME_KEY", value: SECRET, masked: true },
  { key: "GREETING", value: 'it\'s "$HOME"\nand `more`', raw: true },
  { key: "CONFIG", value: "file content of the job", file: true },
];
const script = [
  'echo "in $PWD at ${CH_RUNNING:+an image}"',
  'echo "length ${#API_KEY}"; [ "$API_URL" = "https://user:$API_KEY@api.example/" ]',
  '[ "$SAME_KEY" = "$API_KEY" ]',
  'echo "$GREETING"',
  'cat "$CONFIG"; echo',
  "if true; then\n  echo END_OF_FILE\nEND_OF_FILE=1\nfi",
  "touch made-by-script",
  "false | true",
  "exit 7",
];
const job = {
  id: 700,
  name: "fails",
  script: script.filter((line) => line !== "false | true"),
  variables,
};

/** The path that the job log names. */
function pathIn(log: string): string {
  return /^ {2}Run again by: (\S+)$/m.exec(log)?.[1] ?? "";
}

/** What the user's script said in a job log: from its first announced command to the summary. */
function said(log: string): string {
  const start = log.indexOf("\x1b[32;1m$ ");
  return log.slice(start, log.indexOf("section_start"));
}

async function again(
  path: string,
  options: { env?: object; input?: string; args?: string[] } = {},
) {
  const { env = {}, input = "", args = [] } = options;
  const child = Bun.spawn(["bash", path, ...args], {
    env: { PATH: "/usr/bin:/bin", HOME: "/nonexistent", LEAK: "of-the-caller", ...env },
    cwd: "/",
    stdin: new Blob([input]),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { stdout, stderr, code };
}

function checkText(path: string): void {
  const text = readFileSync(path, "utf8");
  expect(text).not.toContain("s3cr3t");
  expect(text).not.toContain("glcbt-");
  expect(text).not.toContain("file content of the job");
  expect(statSync(path).mode & 0o777).toBe(0o700);
  mustRun(["shellcheck", path]);
}

/** The secrets of the job in the order in which they are asked for; the token of a job that is over is left empty. */
function inputFor(path: string, config: string): string {
  const asked = [...readFileSync(path, "utf8").matchAll(/^ {2}ask(_file)? (\w+)$/gm)];
  const answers: Record<string, string> = { API_KEY: SECRET, CONFIG: config };
  return asked.map(([, , name = ""]) => `${answers[name] ?? ""}\n`).join("");
}

describe("the reproducer", () => {
  test("of a host job runs its script again: same output, same status, no secret kept", async () => {
    const result = await site.runner().run(job);
    expect(result.exitCode).toBe(7);
    const path = pathIn(result.log);
    expect(path).toBe(`${site.dataDir}/reproducers/widget_31/job-700.bash`);
    checkText(path);
    const config = `${site.dir}/config`;
    writeFileSync(config, "file content of the job");
    const { stdout, stderr, code } = await again(path, { input: inputFor(path, config) });
    expect([code, stderr]).toEqual([7, expect.stringContaining("Secrets of the job")]);
    const masked = said(result.log);
    expect(stdout.replaceAll(SECRET, "[MASKED]")).toBe(masked);
    expect(existsSync(`${site.dataDir}/scripts/widget_31/000`)).toBe(false);
  });

  test("takes secrets from the environment, and nothing else of it", async () => {
    const leaking = [...job.script.slice(0, 3), "env", "exit 9"];
    const result = await site.runner().run({ ...job, id: 701, script: leaking });
    const path = pathIn(result.log);
    const { stdout, stderr, code } = await again(path, { env: { API_KEY: SECRET } });
    expect(code).toBe(9);
    expect(stderr).toContain("API_KEY: taken from your environment");
    expect(stdout).not.toContain("of-the-caller");
    expect(stdout).toContain("JACAMAR_CI_SHELL=true");
    expect(stdout).toContain(`HOME=${site.home}`);
    expect(stdout).not.toContain("JACAMAR_CI_TOKEN");
  });

  for (const more of [[], ["disable_convert = true"]]) {
    test(`of a container job runs it again by the same ch-run (${more.join() || "SquashFS"})`, async () => {
      const here = tests.site({ charliecloud: more });
      const result = await here.runner().run(containerJob(tests.images.tiny, { ...job, script }));
      expect(result.status).toBe("failed");
      const path = pathIn(result.log);
      checkText(path);
      const config = `${here.dir}/config`;
      writeFileSync(config, "file content of the job");
      const { stdout, stderr, code } = await again(path, { input: inputFor(path, config) });
      expect([code, stderr]).toEqual([result.exitCode ?? 0, expect.not.stringContaining("error")]);
      expect(stdout).toContain("at an image\n");
      expect(stdout.replaceAll(SECRET, "[MASKED]")).toBe(said(result.log));
    });
  }

  test("keeps away from directories that a running job uses, and from those that are gone", async () => {
    const { log } = await site.runner().run({ ...job, id: 702 });
    const path = pathIn(log);
    const claim = `${site.dataDir}/claims/widget_31/000`;
    mkdirSync(claim);
    const kept = await again(path);
    expect([kept.code, kept.stderr]).toEqual([125, expect.stringContaining("use --force")]);
    const forced = await again(path, { args: ["--force"], env: { API_KEY: SECRET } });
    expect(forced.code).toBe(7);
    mustRun(["rm", "-r", claim, `${site.dataDir}/builds/widget_31`]);
    mkdirSync(`${site.dataDir}/builds/widget_31/000`, { recursive: true });
    const gone = await again(path);
    expect([gone.code, gone.stderr]).toEqual([125, expect.stringContaining("is gone")]);
  });

  test("is written with retain_logs, where no summary names it in the log, and old ones go", async () => {
    const retaining = makeSite({ general: ["retain_logs = true", "job_summary = false"] });
    const hello = { name: "hello", script: ["echo hello"] };
    const first = await retaining.runner().run({ ...hello, id: 710 });
    const directory = `${retaining.dataDir}/reproducers/widget_31`;
    expect(first.log).toContain(`To run the script again by hand: ${directory}/job-710.bash`);
    const old = new Date(Date.now() - 31 * 24 * 3600 * 1000);
    utimesSync(`${directory}/job-710.bash`, old, old);
    await retaining.runner().run({ ...hello, id: 711 });
    expect(readdirSync(directory)).toEqual(["job-711.bash"]);
    expect((await again(`${directory}/job-711.bash`)).stdout).toContain("hello\n");
    expect(existsSync(`${retaining.dataDir}/scripts/widget_31/000/job-id`)).toBe(true);
    retaining.close();
  });

  test("is not written unasked, and the log says why it cannot be", async () => {
    const silent = await site.runner().run({ ...job, id: 720, variables: [] });
    expect(pathIn(silent.log)).toBe("");
    expect(existsSync(`${site.dataDir}/reproducers/widget_31/job-720.bash`)).toBe(false);
    const old = await site.runner({ version: "14.0" }).run({ ...job, id: 721 });
    expect(old.log).toContain("JACAMAR_CI_REPRODUCER: the script cannot be kept");
  });
});
