import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A configuration and a home with empty profile files, for measuring hooks without gitlab-runner around them. */
export interface HookSite {
  /** The environment of a login shell without a profile of the user's. */
  readonly env: Readonly<Record<string, string>>;
  /** Milliseconds of wall time of one `config`, with everything undone afterwards. */
  config(): number;
  /** Milliseconds from the start of `run` to the first line of a host job's script. */
  runToFirstLine(): number;
  /** Resident and proportional set size in KiB of the driver's side of a job that waits. */
  waitingMemory(): Promise<{ readonly rss: number; readonly pss: number }>;
  close(): void;
}

export function makeHookSite(driver: string): HookSite {
  const directory = mkdtempSync("/var/tmp/jacamar-bench-");
  const home = join(directory, "home");
  mkdirSync(home);
  const configuration = join(directory, "jacamar.toml");
  writeFileSync(
    configuration,
    [
      "[general]",
      'executor = "shell"',
      `data_dir = ${JSON.stringify(join(directory, "data"))}`,
      'kill_timeout = "30s"',
      'run_mechanism = "charliecloud"',
      "[general.charliecloud]",
      'image_allowlist = ["registry.example/", "docker.io/library/"]',
      'user_volume_variable = "CH_VOLUMES"',
      "",
    ].join("\n"),
  );
  const attempt = makeAttempt(driver, directory, home, configuration);
  let ready = false;
  return {
    env: { HOME: home, PATH: "/usr/local/bin:/usr/bin:/bin" },
    config() {
      const other = makeAttempt(driver, directory, home, configuration);
      const took = other.hook("config", "--configuration", configuration);
      other.hook("cleanup");
      other.remove();
      return took;
    },
    runToFirstLine() {
      if (!ready) attempt.start();
      ready = true;
      return attempt.runToFirstLine();
    },
    async waitingMemory() {
      if (!ready) attempt.start();
      ready = true;
      return await attempt.waitingMemory();
    },
    close() {
      attempt.hook("cleanup");
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function makeAttempt(driver: string, directory: string, home: string, configuration: string) {
  const tmp = mkdtempSync(join(directory, "attempt-"));
  const env = {
    PATH: "/usr/local/bin:/usr/bin:/bin",
    HOME: home,
    TMPDIR: tmp,
    BUILD_FAILURE_EXIT_CODE: "1",
    SYSTEM_FAILURE_EXIT_CODE: "2",
    BUILD_EXIT_CODE_FILE: join(tmp, "build_exit_code"),
    JACAMAR_CI_STATE: join(tmp, "jacamar-state.json"),
    CUSTOM_ENV_CI_JOB_ID: "1",
    CUSTOM_ENV_CI_PROJECT_ID: "7",
    CUSTOM_ENV_CI_PROJECT_NAME: "bench",
  };
  const command = (words: readonly string[]) => [driver, "--no-auth", ...words];
  const hook = (...words: string[]) => {
    const start = performance.now();
    const { exitCode, stderr } = Bun.spawnSync(command(words), { env, cwd: tmp, stderr: "pipe" });
    const took = performance.now() - start;
    if (exitCode !== 0) throw new Error(`${words[0]} ended with ${exitCode}: ${stderr}`);
    return took;
  };
  const script = join(tmp, "script");
  const stamp = join(tmp, "stamp");
  return {
    hook,
    start() {
      hook("config", "--configuration", configuration);
      hook("prepare");
    },
    runToFirstLine() {
      writeFileSync(script, `#!/usr/bin/env bash\necho "$EPOCHREALTIME" > ${stamp}\nexit 0\n`);
      const start = performance.timeOrigin + performance.now();
      hook("run", script, "build_script");
      return Number(readFileSync(stamp, "utf8")) * 1000 - start;
    },
    async waitingMemory() {
      writeFileSync(script, "#!/usr/bin/env bash\necho waiting\nsleep 60\nexit 0\n");
      const child = Bun.spawn(command(["run", script, "build_script"]), {
        env,
        cwd: tmp,
        stdout: "pipe",
      });
      for await (const chunk of child.stdout)
        if (new TextDecoder().decode(chunk).includes("waiting")) break;
      const rollup = readFileSync(`/proc/${child.pid}/smaps_rollup`, "utf8");
      child.kill("SIGTERM");
      await child.exited;
      const value = (name: string) =>
        Number(new RegExp(`^${name}: +(\\d+) kB`, "m").exec(rollup)?.[1]);
      return { rss: value("Rss"), pss: value("Pss") };
    },
    remove: () => rmSync(tmp, { recursive: true, force: true }),
  };
}
