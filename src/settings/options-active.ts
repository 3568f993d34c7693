import type { OptionEntries } from "./option-types.ts";

/** Other names that upstream takes for an executor, and the name we use. */
export const EXECUTOR_ALIASES = { sbatch: "slurm", bsub: "lsf", qsub: "cobalt" } as const;

/** `[general]`: keys that this version acts on. */
export const GENERAL = {
  executor: {
    type: {
      enum: ["shell", "slurm", "sbatch", "flux", "pbs", "lsf", "bsub", "cobalt", "qsub"],
    },
    required: true,
    meaning: "Where the script of a job runs: on this host, or through a scheduler.",
  },
  data_dir: {
    type: "string",
    required: true,
    example: '"$HOME"',
    meaning:
      "Directory for everything a job writes; $HOME and $USER are expanded for the job's user.",
  },
  retain_logs: {
    type: "boolean",
    default: false,
    meaning: "Keep the scripts and logs of a finished job instead of removing them.",
  },
  job_summary: {
    type: "boolean",
    default: true,
    meaning: "Print a summary of image, times and end after the script of a job.",
  },
  custom_build_dir: {
    type: "boolean",
    default: false,
    meaning: "Let a job choose its builds directory with CUSTOM_CI_BUILDS_DIR.",
  },
  group_permissions: {
    type: "boolean",
    default: false,
    meaning: "Create the data directories with mode 0750 instead of 0700.",
  },
  kill_timeout: {
    type: "duration",
    default: "120s",
    example: '"30s"',
    meaning: "How long a cancelled job has between SIGTERM and SIGKILL.",
  },
  name: {
    type: "string",
    example: '"login nodes"',
    meaning: "A label of this configuration for the system log.",
  },
  shell_path: {
    type: "string",
    example: '"/bin/bash"',
    meaning: "The Bash that runs job scripts; by default the first one in PATH.",
  },
  job_message: {
    type: "string",
    example: '"Welcome to Example HPC"',
    meaning: "A text shown at the start of every job.",
  },
  run_mechanism: {
    type: { enum: ["charliecloud", "podman"] },
    meaning: "The container program for jobs that name an image; without it jobs run in Bash.",
  },
  force_mechanism: {
    type: "boolean",
    default: false,
    meaning: "Use the run mechanism for every job, also for one that names no image.",
  },
  user_bash_env: {
    type: "string[]",
    default: [],
    example: '["LMOD_ADMIN_FILE=none"]',
    meaning: "NAME=VALUE entries added to the clean login shell of a job.",
  },
  unknown_keys: {
    type: { enum: ["error", "warn"] },
    default: "error",
    meaning: "Whether a key that nobody knows stops the job or is only reported.",
  },
} as const satisfies OptionEntries;

/** `[general.metrics]`: all of its keys. */
export const METRICS = {
  textfile: {
    type: "string",
    example: '"/var/lib/node_exporter/jacamar.prom"',
    meaning:
      "Count jobs in this file for node_exporter's textfile collector; $HOSTNAME and $USER are expanded.",
  },
} as const satisfies OptionEntries;

/** `[general.log]`: all of its keys. */
export const LOG = {
  file: {
    type: "string",
    example: '"/var/log/jacamar.jsonl"',
    meaning:
      "Append a line of JSON to this file for each phase of each job; $HOSTNAME and $USER are expanded.",
  },
  syslog: {
    type: "boolean",
    default: false,
    meaning: "Send the same lines to the system's log (/dev/log).",
  },
} as const satisfies OptionEntries;

/** `[batch]`: for the executors that submit to a scheduler. */
export const BATCH = {
  arguments_variable: {
    type: "string[]",
    default: ["SCHEDULER_PARAMETERS"],
    meaning: "CI variables that may hold scheduler arguments; the first that is set counts.",
  },
  default_args: {
    type: "string[]",
    default: [],
    example: '["--account=ci", "--time=30"]',
    meaning: "Scheduler arguments for every job; the job's own come after them and win.",
  },
  allow_illegal_args: {
    type: "boolean",
    default: false,
    meaning: "Pass on scheduler arguments that would break the output or the submission.",
  },
  scheduler_bin: {
    type: "string",
    example: '"/opt/slurm/bin"',
    meaning: "Directory of the scheduler's commands; by default the login shell's PATH.",
  },
  env_vars: {
    type: "string[]",
    default: [],
    example: '["SLURM_CONF=/etc/slurm-ci/slurm.conf"]',
    meaning: "NAME=VALUE entries for the scheduler's commands; $NAME is the login shell's.",
  },
  command_delay: {
    type: "duration",
    default: "15s",
    meaning: "Longest pause between two questions to the scheduler.",
  },
  nfs_timeout: {
    type: "duration",
    default: "1m",
    meaning: "How long output and result of an ended job may take to appear.",
  },
  impossible_after: {
    type: "duration",
    default: "2m",
    meaning: "How long a job waits that can never run before it is cancelled; 0: for ever.",
  },
} as const satisfies OptionEntries;

/** `[auth]`: keys that this version acts on. */
export const AUTH = {
  downscope: {
    type: "string",
    example: '"none"',
    meaning: "How to change to the job's user; none means that the runner already is that user.",
  },
} as const satisfies OptionEntries;
