/** Plans of one container for tests, from a few lines of configuration. */
import type { User } from "../host/user.ts";
import { readJob } from "../job/read-job.ts";
import type { Decision } from "../plan/decision.ts";
import { planDirectories } from "../plan/directories.ts";
import { compilePattern } from "../settings/patterns.ts";
import { validateSettings } from "../settings/validate.ts";
import { type ContainerPlan, planContainer } from "./container-plan.ts";
import type { Facts } from "./facts.ts";

const ANN: User = { uid: 1000, gid: 1000, name: "ann", home: "/home/ann" };
export const JOB_IMAGE = { choice: "r.example/app:1", because: "the job names it", from: "image:" };
export const BUILDS = "/data/builds/p_1/000";

export interface Wanted {
  /** Lines of `[general.charliecloud]`. */
  readonly table?: readonly string[];
  readonly dataDir?: string;
  readonly variables?: Readonly<Record<string, string>>;
  readonly payload?: object;
  readonly role?: "step" | "helper";
  readonly image?: Decision<string>;
  /** Version of ch-run; null: there is none. */
  readonly chRun?: string | null;
  readonly chImage?: null;
  readonly login?: Readonly<Record<string, string>>;
}

function factsOf({ chRun = "0.38", chImage, login = {} }: Wanted): Facts {
  return {
    shell: { bash: "/bin/bash", env: { HOME: "/home/ann" } },
    login,
    applications: {
      chRun: chRun === null ? undefined : { path: "/usr/bin/ch-run", version: chRun },
      chImage: chImage === null ? undefined : { path: "/usr/bin/ch-image", version: "0.38" },
      chImageEnv: login,
      searched: "PATH of the login shell (/usr/bin)",
    },
    packing: { mksquashfs: "/usr/bin/mksquashfs", fuse: true },
    gitlabRunner: { choice: "/usr/bin/gitlab-runner", because: "it is there", from: "PATH" },
  };
}

export async function verdictOf(wanted: Wanted) {
  const { table = [], dataDir = "/data", variables = {}, payload, role = "step" } = wanted;
  const toml = `[general]\nexecutor = "shell"\ndata_dir = "${dataDir}"\n[general.charliecloud]\n${table.join("\n")}`;
  const checked = await validateSettings(toml, "/etc/jacamar.toml");
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  const env = Object.entries(variables).map(([name, value]) => [`CUSTOM_ENV_${name}`, value]);
  const text = payload === undefined ? undefined : JSON.stringify(payload);
  const reading = readJob(Object.fromEntries(env), text);
  if (!reading.ok) throw new Error(reading.message);
  const job = { ...reading.job, project: { id: "1", name: "p" } };
  const directories = planDirectories({ settings: checked.settings, user: ANN, job, slot: 0 });
  if (!directories.ok) throw new Error(directories.refusal.message);
  return planContainer({
    settings: checked.settings,
    job,
    user: ANN,
    facts: factsOf(wanted),
    compile: compilePattern,
    directories: directories.value,
    role,
    image: wanted.image ?? JOB_IMAGE,
  });
}

export async function planned(wanted: Wanted = {}): Promise<ContainerPlan> {
  const verdict = await verdictOf(wanted);
  if (!verdict.ok) throw new Error(verdict.refusal.message);
  return verdict.value;
}

export async function refusal(wanted: Wanted) {
  const verdict = await verdictOf(wanted);
  return verdict.ok ? undefined : verdict.refusal;
}

/** Images run by name from Charliecloud's storage. */
export const STORED = ["[general.charliecloud.cache]", "enabled = false"];

export const SITE_IMAGE = {
  choice: "site.example/tools:2",
  because: "the configuration names it",
  from: "[general.charliecloud] runner_image",
};
