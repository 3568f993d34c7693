import type { Scheduler } from "../../src/executors/batch/scheduler.ts";

/** A request, as words of SCHEDULER_PARAMETERS, and what the job log must say about it. */
export interface Request {
  readonly words: string;
  readonly says: RegExp;
}

/** What is asked of one scheduler, wherever it runs. */
export interface Requests {
  /** Variable with the job's id. */
  readonly idVariable: string;
  /** Would take the output out of the driver's hands. */
  readonly illegal: Request;
  /** The scheduler itself refuses it. */
  readonly refused: Request;
  /** Accepted, and can never run; `failed` is the id of a job that ended with a failure. */
  readonly impossible: (failed: string) => Request;
  /** Waits for an hour or more. */
  readonly later: () => string;
  /** The shortest limit there is. */
  readonly limit: Request;
  /** Variables of the runner that would change a submission, if they reached it. */
  readonly hostile: Readonly<Record<string, string>>;
}

/** As `date +FORMAT` prints the time in so many minutes. */
function inMinutes(minutes: number, format: string): string {
  const date = new Date(Date.now() + minutes * 60_000);
  const two = (value: number) => String(value).padStart(2, "0");
  return format
    .replace("%Y", String(date.getFullYear()))
    .replace("%m", two(date.getMonth() + 1))
    .replace("%d", two(date.getDate()))
    .replace("%H", two(date.getHours()))
    .replace("%M", two(date.getMinutes()));
}

/** A site with stricter rules refuses at once what another one lets wait for ever. */
const REFUSED_INSTEAD = "refused the job";

export const REQUESTS: Readonly<Record<Scheduler["name"], Requests>> = {
  slurm: {
    idVariable: "SLURM_JOB_ID",
    illegal: { words: "--out=/dev/null", says: /--output/ },
    refused: { words: "--partition=nosuch", says: /invalid partition specified: nosuch/i },
    impossible: () => ({
      words: "-N 9999",
      says: new RegExp(`waits: Partition(NodeLimit|Config)|${REFUSED_INSTEAD}`),
    }),
    later: () => "--begin=now+1hour",
    limit: { words: "--time=1", says: /reached its time limit of 00:01:00; .*--time/ },
    hostile: { SBATCH_OUTPUT: "/dev/null", SBATCH_JOB_NAME: "stolen", SLURM_JOB_ID: "1" },
  },
  flux: {
    idVariable: "FLUX_ENCLOSING_ID",
    illegal: { words: "-ooutput.stdout.path=/dev/null", says: /output\.stdout\.path/ },
    refused: { words: "-q nosuch", says: /refused the job: .*nosuch/ },
    impossible: () => ({
      words: "-n 999999",
      says: new RegExp(`can never run: unsatisfiable|${REFUSED_INSTEAD}`),
    }),
    later: () => "--begin-time=+1h",
    limit: { words: "-t 2s", says: /reached its time limit .*--time-limit/ },
    hostile: { FLUX_URI: "local:///nosuch", FLUX_JOB_ID: "1", FLUX_EXEC_PATH: "/nosuch" },
  },
  pbs: {
    idVariable: "PBS_JOBID",
    illegal: { words: "-o /dev/null", says: /"-o" is set by the driver/ },
    refused: { words: "-q nosuch", says: /refused the job: Unknown queue/ },
    impossible: () => ({
      words: "-l select=1:ncpus=9999",
      says: new RegExp(`waits: Insufficient amount of resource: ncpus|${REFUSED_INSTEAD}`),
    }),
    later: () => `-a ${inMinutes(90, "%Y%m%d%H%M")}`,
    limit: {
      words: "-l walltime=2",
      says: /(reached its time limit|walltime \S+ exceeded the limit).*-l walltime/,
    },
    hostile: {
      PBS_SHELL: "/bin/true",
      PBS_BATCH_SERVICE_PORT: "1",
      PBS_TMPDIR: "/nosuch",
      PBS_JOBID: "9.other",
    },
  },
  lsf: {
    idVariable: "LSB_JOBID",
    illegal: { words: "-oo /dev/null", says: /"-oo" is set by the driver/ },
    refused: { words: "-q nosuch", says: /nosuch: No such queue\. Job not submitted/ },
    impossible: (failed) => ({
      words: `-w done(${failed})`,
      says: new RegExp(`waits: Dependency condition invalid|${REFUSED_INSTEAD}`),
    }),
    // A time that has just passed is tomorrow's.
    later: () => `-b ${inMinutes(-10, "%H:%M")}`,
    limit: { words: "-W 1", says: /reached its run limit; .*-W/ },
    hostile: { LSB_DEFAULTQUEUE: "stolen", BSUB_QUIET: "Y", BSUB_CHK_RESREQ: "Y", LSB_JOBID: "1" },
  },
};
