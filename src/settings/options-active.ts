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

/** When an image is pulled, as GitLab's `pull_policy` names it. */
export const PULL_POLICIES = ["always", "if-not-present", "never"] as const;

/** `[general.charliecloud]`: all of its keys. */
export const CHARLIECLOUD = {
  application_path: {
    type: "string",
    example: '"/opt/charliecloud/bin"',
    meaning: "Directory (or full path) of the Charliecloud programs; by default the user's PATH.",
  },
  runner_image: {
    type: "string",
    example: '"registry.example.org/ci/runner:1"',
    meaning: "Image in which Git, artifacts and cache run; by default they run on the host.",
  },
  runner_options: {
    type: "string[]",
    default: [],
    example: '["--bind=/scratch"]',
    meaning: "Further ch-run options for the runner image.",
  },
  runner_pull_policy: {
    type: { enum: PULL_POLICIES },
    meaning: "When to pull the runner image, if not by the policy of the other images.",
  },
  allowed_pull_policies: {
    type: { listOf: PULL_POLICIES },
    example: '["always", "if-not-present"]',
    meaning:
      "The pull policies that a job may name; without always in it, the first is the default.",
  },
  default_image: {
    type: "string",
    example: '"debian:12"',
    meaning: "Image for jobs that name none; used only with force_mechanism.",
  },
  custom_options: {
    type: "string[]",
    default: [],
    example: '["--set-env=LANG=C.UTF-8"]',
    meaning: "Further ch-run options for the steps of the user.",
  },
  step_script_only: {
    type: "boolean",
    default: false,
    meaning: "Run only before_script and script in the container, all else on the host.",
  },
  image_allowlist: {
    type: "string[]",
    example: "['registry\\.example\\.org/']",
    meaning:
      "Regular expressions (RE2) matched from the start of the image name; others are refused.",
  },
  user_volume_variable: {
    type: "string",
    example: '"CH_VOLUMES"',
    meaning: "Prefix of the CI variables that name further bind mounts: PREFIX_0, PREFIX_1, …",
  },
  prep_script: {
    type: "string",
    example: '"/etc/jacamar/prepare.bash"',
    meaning: "Script of the admin that runs before the first Charliecloud command.",
  },
  disable_user_args: {
    type: "boolean",
    default: false,
    meaning: "Ignore JACAMAR_CI_CHARLIECLOUD_ARGS.",
  },
  image_storage_dir: {
    type: "string",
    example: '"/var/tmp/images"',
    meaning: "Parent of the image storage (CH_IMAGE_STORAGE); USER.ch is appended.",
  },
  disable_convert: {
    type: "boolean",
    default: false,
    meaning: "Run images straight from the storage instead of converting them to SquashFS.",
  },
  image_environment: {
    type: "boolean",
    default: true,
    meaning: "Apply the image's own ENV in the container.",
  },
  offline: {
    type: "boolean",
    default: false,
    meaning: "Ask no registry but the mirrors: for sites without internet.",
  },
} as const satisfies OptionEntries;

/** `[general.charliecloud.cache]`: all of its keys. */
export const CACHE = {
  enabled: {
    type: "boolean",
    default: true,
    meaning: "Keep images ready to start, by digest, for the jobs that come after.",
  },
  puller: {
    type: { enum: ["builtin", "ch-image"] },
    default: "builtin",
    meaning: "What fetches and flattens an image: the driver itself, or ch-image.",
  },
  dir: {
    type: "string",
    example: '"$HOME/images"',
    meaning: "Where the images lie; $HOME and $USER are expanded for the job's user.",
  },
  max_size: {
    type: "size",
    example: '"200GB"',
    meaning: "Remove images, those not used for longest first, until all are smaller; 0: no limit.",
  },
  max_age: {
    type: "age",
    default: "30d",
    example: '"90d"',
    meaning: "Remove images not used for so long; 0: however long.",
  },
  min_free: {
    type: "amount",
    default: "5%",
    example: '"50GB"',
    meaning: "Space that stays free on the file system: a size, or a share of it; 0: none.",
  },
  shared: {
    type: "boolean",
    default: false,
    meaning: "Use the images of dir also where another trusted user made them.",
  },
} as const satisfies OptionEntries;

/** `[[general.charliecloud.mirror]]`: all of its keys. */
export const MIRROR = {
  registry: {
    type: "string",
    required: true,
    example: '"docker.io"',
    meaning:
      "Host, with a path if only a part is meant, as image names have it; docker.io: Docker Hub.",
  },
  mirror: {
    type: "string",
    required: true,
    example: '"registry.example.org/hub"',
    meaning:
      "Host and path below which those images, with their whole path, are asked for instead.",
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
