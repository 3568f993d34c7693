import { planArguments } from "../executors/batch/batch-plan.ts";
import { schedulerNamed } from "../executors/batch/schedulers.ts";
import { planOptions } from "../executors/ch-run-options.ts";
import { chooseSource, chooseStorage } from "../executors/image-source.ts";
import { checkSite } from "../executors/job-plan.ts";
import { siteRegistry } from "../executors/site.ts";
import type { Job } from "../job/job.ts";
import { planCacheDirectory } from "../plan/cache-directory.ts";
import { planMechanism } from "../plan/container.ts";
import { accept, type Refusal, type Verdict } from "../plan/decision.ts";
import { type Directories, planDirectories } from "../plan/directories.ts";
import { parseReference } from "../plan/reference.ts";
import { type Path, stepsOf } from "../settings/key-path.ts";
import type { Settings } from "../settings/settings.ts";
import type { Evidence, Regret } from "./finding.ts";

/** A job that asks for nothing: what is refused to it is the configuration's doing. */
const PLAINEST: Job = {
  id: "1",
  name: "check",
  source: "environment",
  project: { id: "1", name: "check" },
  timeout: 3600,
  uses: { artifacts: false, cache: false },
  registries: [],
  traceSections: false,
  concurrentId: 0,
  variables: {},
};

type Asked = Pick<Evidence, "settings" | "noAuth" | "account">;

/** What `config` refuses although the file is well-formed, by the functions that it calls itself. */
export function findConfigRefusals({ settings, noAuth, account }: Asked): readonly Regret[] {
  if (settings === undefined) return [];
  const refusals = [
    ...checkSite(settings, noAuth),
    ...refusalOf(directoriesOf(settings, account)),
  ].filter(({ fault }) => fault === "admin");
  return refusals.map((refusal) => ({ ...regretOf(refusal), level: "error" }));
}

/** What `prepare` refuses to every job that comes to need it, by the functions that it calls itself. */
export function findLaterRefusals({ settings, noAuth, account }: Asked): readonly Regret[] {
  if (settings === undefined) return [];
  const before = checkSite(settings, noAuth).map(({ message }) => message);
  const { general } = settings;
  const scheduler = schedulerNamed(general.executor);
  const found = [
    planMechanism({ settings, job: { image: { name: "debian", pullPolicy: [] } } }),
    ...(scheduler ? [planArguments({ settings, job: PLAINEST, scheduler })] : []),
    ...(general.run_mechanism === "charliecloud"
      ? [...containerVerdicts(settings, account), ...imageVerdicts(settings, account)]
      : []),
  ];
  return found
    .flatMap((verdict) => refusalOf<unknown>(verdict))
    .filter(({ fault, message }) => fault === "admin" && !before.includes(message))
    .map(regretOf);
}

function containerVerdicts(settings: Settings, account: Asked["account"]): Verdict<unknown>[] {
  const user = { ...account, gid: account.uid };
  const options = (role: "step" | "helper") =>
    planOptions({ settings, job: PLAINEST, user, role, cwd: "/" });
  const fallback = siteRegistry(settings);
  const image = (key: "default_image" | "runner_image") => {
    const name = settings.charliecloud[key];
    const from = `[general.charliecloud] ${key}`;
    return name === undefined ? [] : [parseReference(name, { fault: "admin", from }, fallback)];
  };
  return [
    options("step"),
    ...(settings.charliecloud.runner_image === undefined ? [] : [options("helper")]),
    parseReference("debian", { fault: "admin", from: "image:" }, fallback),
    ...image("default_image"),
    ...image("runner_image"),
  ];
}

/** Where images come from and lie, on a host that lacks nothing. */
function imageVerdicts(settings: Settings, account: Asked["account"]): Verdict<unknown>[] {
  const user = { ...account, gid: account.uid };
  const { charliecloud } = settings;
  const storage = chooseStorage({ settings, user, login: {} });
  const source = chooseSource({
    settings: charliecloud,
    packing: { mksquashfs: "/usr/bin/mksquashfs", fuse: true },
    chImage: "/usr/bin/ch-image",
    forBatch: settings.general.executor !== "shell",
    directory: accept({ choice: "/", because: "any will do", from: "" }),
    mirrored: charliecloud.offline || charliecloud.mirrors.length > 0,
  });
  if (!storage.ok || !source.ok || source.value.choice === "storage") return [source, storage];
  const places = { storage: storage.value.choice, dataDir: "/home" };
  return [planCacheDirectory({ settings, user, ...places })];
}

function directoriesOf(settings: Settings, account: Asked["account"]): Verdict<Directories> {
  return planDirectories({ settings, user: account, job: PLAINEST, slot: 0 });
}

function refusalOf<T>(verdict: Verdict<T>): readonly Refusal[] {
  return verdict.ok ? [] : [verdict.refusal];
}

function regretOf({ message, from }: Refusal): Regret {
  return { path: pathOf(from), message };
}

/** `[general] data_dir` as a path. */
function pathOf(from: string): Path {
  const [, table = "", key = ""] = /^\[+([\w.]+)\]+ (\w+)/.exec(from) ?? [];
  return key === "" ? [] : [...stepsOf(table), key];
}
