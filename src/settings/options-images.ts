import type { OptionEntries } from "./option-types.ts";

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
