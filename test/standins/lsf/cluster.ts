import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { JobControl } from "../../../src/runner/types.ts";
import { makeSite, type Site } from "../../e2e/site.ts";

const BIN = import.meta.dir;

/** A stand-in for LSF. */
export interface Lsf {
  /** For LSF_ENVDIR. */
  readonly dir: string;
  /** Runs one of LSF's commands. */
  run(argv: readonly string[]): { readonly status: number; readonly text: string };
  /** Ids of jobs that have not ended. */
  unended(): readonly string[];
  /** Ends all jobs and removes its files. */
  stop(): void;
}

/** With a site that uses it. */
export interface Cluster extends Lsf {
  readonly site: Site;
  job(
    script: readonly string[],
    words?: string,
    control?: JobControl,
  ): ReturnType<ReturnType<Site["runner"]>["run"]>;
}

const open: (() => void)[] = [];

/** Ends all jobs of the clusters and removes their files. */
export function closeClusters(): void {
  for (const close of open) close();
}

/** `parameters` are lines of lsf.conf. */
export function startLsf(parameters: readonly string[] = []): Lsf {
  const dir = mkdtempSync("/var/tmp/jacamar-lsf-");
  const conf = ["MBD_SLEEP_TIME=0.1", "JOB_TERMINATE_INTERVAL=2", ...parameters];
  writeFileSync(`${dir}/lsf.conf`, `${conf.join("\n")}\n`);
  const run = (argv: readonly string[]) => {
    const [name = "", ...words] = argv;
    const env = { LSF_ENVDIR: dir, PATH: "/usr/bin:/bin", HOME: dir };
    const { exitCode, stdout, stderr } = Bun.spawnSync([`${BIN}/${name}`, ...words], { env });
    return { status: exitCode, text: `${stdout}${stderr}` };
  };
  return {
    dir,
    run,
    unended: () => run(["bjobs", "-noheader", "-o", "jobid"]).text.match(/^\d+$/gm) ?? [],
    stop() {
      rmSync(`${dir}/down`, { force: true });
      run(["bkill", "0"]);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** A cluster and a site of its own for each test. */
export function cluster(parameters: readonly string[] = []): Cluster {
  const lsf = startLsf(parameters);
  const site = makeSite({
    executor: "lsf",
    general: ['kill_timeout = "20s"'],
    more: [
      "[batch]",
      `scheduler_bin = "${BIN}"`,
      `env_vars = ["LSF_ENVDIR=${lsf.dir}"]`,
      'command_delay = "1s"',
      'nfs_timeout = "2s"',
    ],
  });
  open.push(() => {
    lsf.stop();
    site.close();
  });
  return {
    ...lsf,
    site,
    job: (script, words = "", control = {}) =>
      site
        .runner({
          env: { PATH: site.path, HOME: site.home, CI_SERVER_TOKEN: "runner-secret" },
        })
        .run(
          {
            id: 1,
            name: "x",
            script: [...script],
            afterScript: ["echo after=[$LSB_JOBID] $CI_JOB_STATUS"],
            ...(words === "" ? {} : { variables: [{ key: "SCHEDULER_PARAMETERS", value: words }] }),
          },
          control,
        ),
  };
}
