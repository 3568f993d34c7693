import { chmodSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import type { RunnerOptions } from "../../src/runner/types.ts";
import { makeSite, type Site, type SiteOptions } from "../e2e/site.ts";
import { tinyRoot } from "../fixtures/images.ts";
import { mustRun } from "../fixtures/must-run.ts";
import { type Registry, startRegistry } from "../fixtures/registry.ts";
import { type OrdinaryUser, ordinaryUser } from "../fixtures/users.ts";
import { type Cluster, PATIENT, type Place, type PlaceOptions, QUICK } from "./cluster.ts";

const ROOT = resolve(import.meta.dir, "../..");

/** What clusters of this machine have in common: an image, an account, and an end. */
export interface Parts {
  readonly dir: string;
  readonly image: NonNullable<Cluster["image"]>;
  readonly user: OrdinaryUser;
  /** A site that `close` removes. */
  site(
    executor: string,
    batch: readonly string[],
    options: PlaceOptions & Pick<SiteOptions, "dataDir">,
  ): Site;
  /** Calls it at the end, before the sites are removed. */
  atEnd(end: () => void | Promise<void>): void;
  close(): Promise<void>;
}

export async function startParts(name: string): Promise<Parts> {
  const dir = mkdtempSync(`/var/tmp/jacamar-${name}-`);
  chmodSync(dir, 0o755);
  const registry: Registry = await startRegistry({ dir: `${dir}/registry`, auth: "none" });
  const image = registry.push("ci/tiny", tinyRoot(`${dir}/root`), { env: { FOO: "bar" } });
  // The registry's directory is root's own.
  const caFile = `${dir}/ca.pem`;
  copyFileSync(registry.caFile, caFile);
  chmodSync(caFile, 0o644);
  const general = [`user_bash_env = ["REQUESTS_CA_BUNDLE=${caFile}"]`];
  const user = ordinaryUser(dir);
  const sites: Site[] = [];
  const ends: (() => void | Promise<void>)[] = [];
  return {
    dir,
    image: { name: image, general },
    user,
    site(executor, lines, { batch = [], charliecloud, user: account, dataDir }) {
      const options: SiteOptions = {
        executor,
        general: [PATIENT, ...general],
        ...(charliecloud && { charliecloud }),
        ...(account && { user: account }),
        ...(dataDir && { dataDir }),
        more: ["[batch]", ...QUICK, ...lines, ...batch],
      };
      const site = makeSite(options);
      sites.push(site);
      return site;
    },
    atEnd: (end) => ends.push(end),
    async close() {
      await Promise.all(ends.map((end) => end()));
      for (const site of sites) site.close();
      await registry.stop();
      user.remove();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** The runner of a place on this machine. */
export function runnerOf(site: Site): Place["runner"] {
  const own = { PATH: site.path, HOME: site.home, CI_SERVER_TOKEN: "runner-secret" };
  return ({ env = {}, ...more }: Partial<RunnerOptions> = {}) =>
    site.runner({ env: { ...own, ...env }, ...more });
}

/** A stand-in's programs; for another user a copy that everybody can enter, with what runs it. */
export function standinBin({ dir }: Parts, path: string, user: OrdinaryUser | undefined): string {
  if (user === undefined) return `${ROOT}/${path}`;
  const [, , name = ""] = path.split("/");
  const copy = `${dir}/copy-${name}`;
  mkdirSync(`${copy}/node_modules/.bin`, { recursive: true });
  copyFileSync(process.execPath, `${copy}/node_modules/.bin/bun`);
  cpSync(`${ROOT}/test/standins/${name}`, `${copy}/test/standins/${name}`, { recursive: true });
  mustRun(["chmod", "-R", "a+rX", copy]);
  return `${copy}/${path}`;
}

/** Gives all that is in a directory to a user. */
export function giveTo(user: OrdinaryUser | undefined, directory: string): void {
  if (user !== undefined) mustRun(["chown", "-R", `${user.uid}:${user.gid}`, directory]);
}
