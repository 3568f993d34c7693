import type { OptionEntries } from "./option-types.ts";

/** `[batch]`: keys of upstream without effect here. */
export const BATCH_ACCEPTED = {
  env_keep: { type: "string[]", meaning: "Variables kept in the environment of the submission." },
  skip_cobalt_log: { type: "boolean", meaning: "Do not read the exit status from Cobalt's log." },
  "ff_*": { type: "any", meaning: "Feature flags of upstream." },
} as const satisfies OptionEntries;

/** `[general]`: keys of upstream without effect here. Those spelled from memory have a loose type or a pattern. */
export const GENERAL_ACCEPTED = {
  gitlab_server: { type: "string", meaning: "Trusted URL of the GitLab server." },
  "tls-ca-file": { type: "string", meaning: "File with certificates for HTTPS." },
  tls_ca_file: { type: "string", meaning: "The same, in the other spelling." },
  unrestricted_cmd_line: { type: "boolean", meaning: "Let scripts use tokens on command lines." },
  "static_*": {
    type: "any",
    meaning: "Builds directory that is kept, and its minimum age in days.",
  },
  variable_data_dir: { type: "any", meaning: "Let a variable override data_dir." },
  jwt_env_variable: { type: "string", meaning: "Name of the variable that holds the job's JWT." },
  limit_build_dir: { type: "any", meaning: "Limit the number of builds directories." },
  "ff_*": { type: "any", meaning: "Feature flags of upstream." },
} as const satisfies OptionEntries;

/** `[general.podman]`. */
export const PODMAN = {
  application_path: { type: "string", meaning: "Path of podman." },
  runner_image: { type: "string", meaning: "Image for Git, artifacts and cache." },
  runner_options: { type: "string[]", meaning: "Further podman options for the runner image." },
  runner_entry_point: { type: "string[]", meaning: "Entry point in the runner image." },
  archive_format: { type: "string", meaning: "Format in which an image is saved." },
  default_image: { type: "string", meaning: "Image for jobs that name none." },
  custom_options: { type: "string[]", meaning: "Further podman options for the user's steps." },
  user_entry_point: { type: "string[]", meaning: "Entry point in the user's image." },
  step_script_only: { type: "boolean", meaning: "Use the container for the user's script only." },
  disable_container_removal: { type: "boolean", meaning: "Leave out --rm." },
  "*pull_policy": { type: "any", meaning: "When to pull images." },
  image_allowlist: { type: "any", meaning: "Regular expressions of the images that are allowed." },
  user_volume_variable: { type: "any", meaning: "Prefix of the variables that name mounts." },
  prep_script: { type: "any", meaning: "Script that runs before podman." },
  disable_user_args: { type: "any", meaning: "Ignore JACAMAR_CI_PODMAN_ARGS." },
} as const satisfies OptionEntries;

/** `[auth]`: keys of upstream's authorization. */
export const AUTH_ACCEPTED = {
  enabled: { type: "any", meaning: "Old switch of the authorization." },
  user_allowlist: { type: "string[]", meaning: "Users who may run jobs." },
  user_blocklist: { type: "any", meaning: "Users who may not run jobs." },
  group_allowlist: { type: "any", meaning: "Groups whose members may run jobs." },
  group_blocklist: { type: "any", meaning: "Groups whose members may not run jobs." },
  shell_allowlist: { type: "any", meaning: "Login shells that a user may have." },
  pipeline_source_allowlist: { type: "any", meaning: "Pipeline sources that may start jobs." },
  lists_pre_validation: { type: "any", meaning: "Apply the lists before the RunAs validation." },
  root_dir_creation: { type: "any", meaning: "Create the base directory with the rights of root." },
  jacamar_path: { type: "any", meaning: "Path of the program that runs as the user." },
  no_new_privs: { type: "any", meaning: "Set no_new_privs for the user's processes." },
  allow_bot_accounts: { type: "any", meaning: "Run jobs of bot and service accounts." },
  max_env_chars: { type: "any", meaning: "Longest value of an environment variable." },
  downscope_env: { type: "any", meaning: "Environment of the command that changes user." },
  listen_socket: { type: "any", meaning: "Socket for the exchange with the user's process." },
  "ff_*": { type: "any", meaning: "Feature flags of upstream." },
} as const satisfies OptionEntries;

/** `[auth.logging]`. */
export const AUTH_LOGGING = {
  enabled: { type: "boolean", meaning: "Write a log of the authorization." },
  level: { type: "string", meaning: "How much to log." },
  location: { type: "string", meaning: "A file, or syslog." },
  network: { type: "string", meaning: "Network of a log server." },
  address: { type: "string", meaning: "Address of a log server." },
} as const satisfies OptionEntries;

/** `[auth.runas]`. */
export const AUTH_RUNAS = {
  validation_script: { type: "any", meaning: "Program that decides which user a job runs as." },
  validation_env: { type: "string[]", meaning: "Environment of that program." },
  sha256: { type: "any", meaning: "Checksum of that program." },
  user_variable: { type: "any", meaning: "CI variable that asks for a user." },
} as const satisfies OptionEntries;

/** `[auth.seccomp]`. */
export const AUTH_SECCOMP = {
  disabled: { type: "any", meaning: "Do not filter system calls." },
  block_all: { type: "any", meaning: "Block all that is not allowed." },
  allow_calls: { type: "any", meaning: "System calls that are allowed." },
  block_calls: { type: "any", meaning: "System calls that are blocked." },
  plugin: { type: "any", meaning: "Plugin that makes the filter." },
} as const satisfies OptionEntries;

/** `[auth.broker]`. */
export const AUTH_BROKER = {
  url: { type: "any", meaning: "Where jobs are registered." },
} as const satisfies OptionEntries;
