/**
 * Shows the driver at work: builds it, starts a registry with a small image, and runs the two jobs of the Charliecloud
 * guide through a stand-in for gitlab-runner, with the logs that GitLab would show.
 *
 * Usage: npm run demo
 *        npm run demo -- --executor slurm     through a real Slurm that is started on this machine (root)
 */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { logView } from "../src/commands/try/log-view.ts";
import type { JobSpec } from "../src/runner/job-spec.ts";
import { installGitlabRunner, Runner } from "../src/runner/runner.ts";
import type { JobResult } from "../src/runner/types.ts";
import { tinyRoot } from "../test/fixtures/images.ts";
import { type Registry, startRegistry, TESTER } from "../test/fixtures/registry.ts";
import { type SlurmCluster, startSlurm } from "../test/fixtures/slurm.ts";
import { architectures, build } from "./build.ts";

const ROOT = resolve(import.meta.dir, "..");

const AFTER_SCRIPT = ["whoami"];
const PROJECT = { id: 123, name: "ci-example", path: "demo/ci-example" };

function jobs(image: string, registry: string): JobSpec[] {
  return [
    {
      id: 1001,
      name: "hello-host",
      stage: "host",
      project: PROJECT,
      script: ["cat /etc/os-release", "date >> date.txt"],
      afterScript: AFTER_SCRIPT,
      artifacts: { paths: ["date.txt"] },
    },
    {
      id: 1002,
      name: "hello-container",
      stage: "container",
      project: PROJECT,
      image: { name: image },
      script: ["cat /etc/os-release", "cat date.txt"],
      afterScript: AFTER_SCRIPT,
      dependencies: [1001],
      credentials: [{ type: "registry", url: registry, ...TESTER }],
    },
  ];
}

function configuration(directory: string, cluster: SlurmCluster | undefined): string {
  const file = join(directory, "jacamar.toml");
  writeFileSync(
    file,
    [
      "[general]",
      `executor = "${cluster ? "slurm" : "shell"}"`,
      `data_dir = ${JSON.stringify(join(directory, "data"))}`,
      'run_mechanism = "charliecloud"',
      "",
      "[general.charliecloud]",
      'user_volume_variable = "CH_VOLUMES"',
      `image_storage_dir = ${JSON.stringify(directory)}`,
      ...(cluster
        ? ["[batch]", `env_vars = [${JSON.stringify(`SLURM_CONF=${cluster.conf}`)}]`]
        : []),
      "",
    ].join("\n"),
  );
  return file;
}

function makeRunner(
  driver: string,
  directory: string,
  registry: Registry,
  cluster: SlurmCluster | undefined,
  onLog: (text: string) => void,
): Runner {
  const file = configuration(directory, cluster);
  const bin = join(directory, "bin");
  mkdirSync(join(directory, "home"));
  installGitlabRunner(bin);
  const hook = [driver, "--no-auth"];
  return new Runner({
    driver: {
      config: [...hook, "config", "--configuration", file],
      prepare: [...hook, "prepare"],
      run: [...hook, "run"],
      cleanup: [...hook, "cleanup", "--configuration", file],
    },
    env: {
      PATH: `${bin}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin`,
      HOME: join(directory, "home"),
    },
    tmpRoot: join(directory, "tmp"),
    store: join(directory, "store"),
    tlsCaPem: readFileSync(registry.caFile, "utf8"),
    onLog,
  });
}

async function demo(directory: string, executor: "shell" | "slurm"): Promise<JobResult[]> {
  const [driver] = build({ architectures: architectures(true) });
  if (driver === undefined) throw new Error("nothing was built");
  console.log(`Built ${driver.file}`);
  const cluster = executor === "slurm" ? await startCluster(directory) : undefined;
  const registry = await startRegistry({ dir: join(directory, "registry"), auth: "basic" });
  try {
    const image = registry.push("demo/tiny", tinyRoot(join(directory, "image")));
    console.log(`Started a registry that holds ${image}\n`);
    const view = logView(process.stdout.isTTY === true, (line) => console.log(line));
    const program = resolve(ROOT, driver.file);
    const runner = makeRunner(program, directory, registry, cluster, view.add);
    const results: JobResult[] = [];
    for (const job of jobs(image, registry.host)) {
      console.log(`──── job ${job.id} "${job.name}" ────`);
      results.push(await runner.run(job));
      view.end();
      console.log();
    }
    return results;
  } finally {
    await registry.stop();
    await cluster?.stop();
  }
}

async function startCluster(directory: string): Promise<SlurmCluster> {
  const setup = Bun.spawnSync(["bash", "scripts/setup.sh", "test"], {
    cwd: ROOT,
    stderr: "inherit",
  });
  if (setup.exitCode !== 0) throw new Error("Slurm's packages are missing");
  // Its daemons run as users who must be able to enter.
  chmodSync(directory, 0o755);
  console.log("Starting a Slurm of two nodes");
  return await startSlurm({ dir: join(directory, "slurm") });
}

function wantedExecutor(words: readonly string[]): "shell" | "slurm" {
  const [option, name = "shell"] = words;
  if (option === undefined) return "shell";
  if (option === "--executor" && (name === "shell" || name === "slurm")) return name;
  throw new Error(`Usage: npm run demo [-- --executor shell|slurm]: got ${words.join(" ")}`);
}

const directory = mkdtempSync("/var/tmp/jacamar-demo-");
try {
  const results = await demo(directory, wantedExecutor(process.argv.slice(2)));
  const passed = results.filter((result) => result.status === "success").length;
  console.log(
    `demo: ${passed} jobs passed${passed === results.length ? "" : `, ${results.length - passed} failed`}`,
  );
  process.exitCode = passed === results.length ? 0 : 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}
