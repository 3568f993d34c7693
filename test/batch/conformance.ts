import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { isOver } from "../../src/executors/batch/answers.ts";
import { findSchedulerPrograms, makeCaller } from "../../src/executors/batch/calls.ts";
import { askState } from "../../src/executors/batch/cancel.ts";
import { schedulerNamed, schedulerNames } from "../../src/executors/batch/schedulers.ts";
import { makeSite, type Site } from "../e2e/site.ts";
import type { Need } from "./behaviour.ts";
import { type Cluster, PATIENT, type PlaceOptions, QUICK } from "./cluster.ts";
import { makeLosingBin } from "./losing-bin.ts";

export interface SiteChoice {
  readonly executor: string;
  /** On a file system that the nodes see; undefined: the nodes are this machine. */
  readonly dataDir: string | undefined;
  readonly words: string;
  /** The scheduler's commands; undefined: in the PATH. */
  readonly bin: string | undefined;
  readonly image: string | undefined;
}

export interface RealSite {
  readonly cluster: Cluster;
  /** What it is not asked to do: nobody takes a site's scheduler away. */
  readonly without: readonly Need[];
  close(): void;
}

const ALIASES: Readonly<Record<string, string>> = { sbatch: "slurm", bsub: "lsf" };

/** The scheduler that this machine has, as a cluster; needs no rights that a user has not. */
export function realSite(choice: SiteChoice): RealSite {
  const { dataDir, words, bin, image } = choice;
  const scheduler = schedulerNamed(ALIASES[choice.executor] ?? choice.executor);
  if (scheduler === undefined)
    throw new Error(`no executor ${choice.executor}; wanted: ${schedulerNames().join(", ")}`);
  const found = findSchedulerPrograms(scheduler, bin, process.env["PATH"]);
  if (!found.ok) throw new Error(found.refusal.message);
  const programs = found.value;
  const environment = Object.fromEntries(
    Object.entries(process.env).filter((pair): pair is [string, string] => pair[1] !== undefined),
  );
  const call = makeCaller(programs, { ...environment, LC_ALL: "C" });
  if (dataDir !== undefined) mkdirSync(dataDir, { recursive: true });
  const root = mkdtempSync(`${dataDir ?? "/var/tmp"}/jacamar-conformance-`);
  const sites: Site[] = [];
  const place = ({ batch = [], charliecloud }: PlaceOptions = {}) => {
    const dir = mkdtempSync(`${root}/place-`);
    const loseAnswer = makeLosingBin(`${dir}/bin`, scheduler.name, programs);
    const site = makeSite({
      executor: choice.executor,
      dataDir: `${dir}/data`,
      images: `${dir}/images`,
      general: [PATIENT],
      ...(charliecloud && { charliecloud }),
      more: ["[batch]", ...QUICK, `scheduler_bin = ${JSON.stringify(`${dir}/bin`)}`, ...batch],
    });
    sites.push(site);
    const path = `${site.dir}/bin:${environment["PATH"] ?? ""}`;
    return {
      site,
      runner: ({ env = {}, ...more } = {}) =>
        site.runner({ env: { ...environment, PATH: path, ...env }, ...more }),
      remove: async (id) => void (await call(scheduler.cancel(id), scheduler.patience.cancel)),
      isOver: async (id) => isOver(await askState(id, { scheduler, call })),
      loseAnswer,
    } satisfies ReturnType<Cluster["place"]>;
  };
  const pictures = image === undefined ? {} : { image: { name: image, general: [] } };
  return {
    cluster: { scheduler: scheduler.name, words, manyJobs: 4, ...pictures, place },
    without: [
      "user",
      "outage",
      ...(image ? [] : ["image" as const]),
      ...(dataDir ? ["local" as const] : []),
    ],
    close() {
      for (const site of sites) site.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}
