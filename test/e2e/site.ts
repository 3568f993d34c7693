import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { Runner } from "../../src/runner/runner.ts";
import type { RunnerOptions } from "../../src/runner/types.ts";
import { binaryPath } from "../binary.ts";

/** What a test's configuration file says besides the executor and the data directory. */
export interface SiteOptions {
  /** @default {"shell"} */
  readonly executor?: string;
  /** Lines for `[general]`. */
  readonly general?: readonly string[];
  /** Lines for `[general.charliecloud]`; given: the table exists and `run_mechanism` is set. */
  readonly charliecloud?: readonly string[];
  /** Lines after these tables. */
  readonly more?: readonly string[];
  /** Default: `<dir>/data`. */
  readonly dataDir?: string;
  /** Parent of the image storage. Default: `<dir>/images`. */
  readonly images?: string;
  /** Who runs the jobs. Default: the user of the test. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** False: no `gitlab-runner` in the hooks' PATH. Default true. */
  readonly gitlabRunner?: boolean;
}

/** A place where jobs run in tests: a configuration, a home, a data directory, all below one directory in /var/tmp. */
export interface Site {
  readonly dir: string;
  readonly home: string;
  readonly dataDir: string;
  /** Parent of the image storage. */
  readonly images: string;
  readonly configuration: string;
  readonly path: string;
  /** A runner whose four hooks are the compiled driver. */
  runner(options?: Partial<RunnerOptions> & { readonly flags?: readonly string[] }): Runner;
  /** Replaces the configuration. */
  configure(options: SiteOptions): void;
  close(): void;
}

const RUNNER_STAND_IN = `${import.meta.dir}/../../src/runner/gitlab-runner.bash`;

export function makeSite(options: SiteOptions = {}): Site {
  const dir = mkdtempSync("/var/tmp/jacamar-e2e-");
  const home = `${dir}/home`;
  const dataDir = options.dataDir ?? `${dir}/data`;
  const images = options.images ?? `${dir}/images`;
  for (const path of [home, images, `${dir}/bin`, `${dir}/tmp`])
    mkdirSync(path, { recursive: true });
  cpSync(RUNNER_STAND_IN, `${dir}/bin/gitlab-runner`);
  chmodSync(`${dir}/bin/gitlab-runner`, 0o755);
  chmodSync(dir, 0o755);
  if (options.user) {
    for (const path of [dir, home, images, `${dir}/tmp`]) {
      chownSync(path, options.user.uid, options.user.gid);
    }
  }
  const program = options.user ? copyFor(`${dir}/bin/jacamar-driver`) : binaryPath();
  const configuration = `${dir}/jacamar.toml`;
  const system = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";
  const path = options.gitlabRunner === false ? system : `${dir}/bin:${system}`;
  const configure = (wanted: SiteOptions) =>
    writeFileSync(configuration, tomlOf(wanted, dataDir, images));
  configure(options);
  return {
    dir,
    home,
    dataDir,
    images,
    configuration,
    path,
    configure,
    runner(more = {}) {
      const { flags = ["--no-auth"], ...rest } = more;
      return new Runner({
        driver: driverCommands(configuration, flags, program),
        env: { PATH: path, HOME: home, CI_SERVER_TOKEN: "runner-secret" },
        tmpRoot: `${dir}/tmp`,
        store: `${dir}/store`,
        retryWait: 10,
        ...(options.user && { uid: options.user.uid, gid: options.user.gid }),
        ...rest,
      });
    },
    close: () => rmSync(dir, { recursive: true, force: true }),
  };
}

/** Another user may not be able to enter the directory that holds the build. */
function copyFor(path: string): string {
  cpSync(binaryPath(), path);
  chmodSync(path, 0o755);
  return path;
}

export function driverCommands(
  configuration: string,
  flags: readonly string[],
  program: string = binaryPath(),
) {
  const hook = [program, ...flags];
  return {
    config: [...hook, "config", "--configuration", configuration],
    prepare: [...hook, "prepare"],
    run: [...hook, "run"],
    cleanup: [...hook, "cleanup", "--configuration", configuration],
  };
}

function tomlOf(options: SiteOptions, dataDir: string, images: string): string {
  const { general = [], charliecloud, more = [] } = options;
  const container = charliecloud && [
    "[general.charliecloud]",
    `image_storage_dir = ${JSON.stringify(images)}`,
    ...charliecloud,
  ];
  return [
    "[general]",
    `executor = "${options.executor ?? "shell"}"`,
    `data_dir = ${JSON.stringify(options.dataDir ?? dataDir)}`,
    ...(charliecloud ? ['run_mechanism = "charliecloud"'] : []),
    ...general,
    ...(container ?? []),
    ...more,
    "",
  ].join("\n");
}
