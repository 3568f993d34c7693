import type { Option, OptionEntries, TableInfo } from "./option-types.ts";
import {
  AUTH_ACCEPTED,
  AUTH_BROKER,
  AUTH_LOGGING,
  AUTH_RUNAS,
  AUTH_SECCOMP,
  BATCH_ACCEPTED,
  GENERAL_ACCEPTED,
  PODMAN,
} from "./options-accepted.ts";
import { AUTH, BATCH, GENERAL, LOG, METRICS } from "./options-active.ts";
import { CACHE, CHARLIECLOUD, MIRROR } from "./options-images.ts";

export type { Option, OptionType, TableInfo } from "./option-types.ts";

/** The tables of the file; a table comes before its sub-tables. */
export const TABLES: readonly TableInfo[] = [
  { path: "general", open: false, meaning: "What holds for every job." },
  { path: "general.charliecloud", open: false, meaning: "Jobs in Charliecloud containers." },
  { path: "general.charliecloud.cache", open: false, meaning: "Images kept between jobs." },
  {
    path: "general.charliecloud.mirror",
    isArray: true,
    open: false,
    meaning: "A mirror of a registry; the table may stand several times.",
  },
  { path: "general.metrics", open: false, meaning: "Figures about jobs, for Prometheus." },
  { path: "general.log", open: false, meaning: "The admin's log of jobs." },
  { path: "general.podman", open: false, meaning: "Jobs in Podman containers." },
  { path: "batch", open: false, meaning: "Submission to a scheduler." },
  { path: "auth", open: false, meaning: "Who may run jobs, and as whom." },
  { path: "auth.logging", open: true, meaning: "Log of the authorization." },
  { path: "auth.runas", open: true, meaning: "Validation of the user by a program of the site." },
  { path: "auth.seccomp", open: true, meaning: "Filter of system calls." },
  { path: "auth.broker", open: true, meaning: "Registration of jobs with a broker." },
];

/**
 * The single table of options: every key that the file may hold. Schema, messages, help and the docs table are made
 * from it. A key with a `*` stands for a family of keys.
 */
export const OPTIONS: readonly Option[] = [
  ...rows("general", "active", GENERAL),
  ...rows("general.charliecloud", "active", CHARLIECLOUD),
  ...rows("general.charliecloud.cache", "active", CACHE),
  ...rows("general.charliecloud.mirror", "active", MIRROR),
  ...rows("general.metrics", "active", METRICS),
  ...rows("general.log", "active", LOG),
  ...rows("auth", "active", AUTH),
  ...rows("batch", "active", BATCH),
  ...rows("batch", "accepted", BATCH_ACCEPTED),
  ...rows("general", "accepted", GENERAL_ACCEPTED),
  ...rows("general.podman", "accepted", PODMAN),
  ...rows("auth", "accepted", AUTH_ACCEPTED),
  ...rows("auth.logging", "accepted", AUTH_LOGGING),
  ...rows("auth.runas", "accepted", AUTH_RUNAS),
  ...rows("auth.seccomp", "accepted", AUTH_SECCOMP),
  ...rows("auth.broker", "accepted", AUTH_BROKER),
];

function rows(table: string, state: Option["state"], entries: OptionEntries): Option[] {
  return Object.entries(entries).map(([key, entry]) => ({
    table,
    key,
    scope: "admin",
    state,
    ...entry,
  }));
}
