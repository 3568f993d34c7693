import { statSync } from "node:fs";
import type { User } from "../host/user.ts";
import { type Finding, ok, type Probe, warn } from "./finding.ts";

export interface AccountFacts {
  readonly user: User;
  /** uid of the home directory; undefined where there is none. */
  readonly homeOwner: number | undefined;
}

export function judgeAccount({ user, homeOwner }: AccountFacts): Finding {
  const { name, uid, home } = user;
  const seen = `${name}, uid ${uid}, home ${home}`;
  if (uid === 0)
    return warn(
      seen,
      "root may do what jobs of another user may not, so this says little about them",
      "jacamar doctor --user NAME, with the user of gitlab-runner",
    );
  if (homeOwner === undefined)
    return warn(
      `${seen}, which is not there`,
      "profile files and programs of jobs that keep something at home do not work",
      "make the home directory (pam_mkhomedir, or by hand)",
    );
  if (homeOwner !== uid)
    return warn(
      `${seen}, which belongs to uid ${homeOwner}`,
      "programs of jobs that keep something at home do not work",
      `chown ${uid} ${home}`,
    );
  return ok(seen);
}

export const accountProbe: Probe = {
  id: "account",
  title: "account",
  run: async ({ user }) => {
    const homeOwner = statSync(user.home, { throwIfNoEntry: false })?.uid;
    return judgeAccount({ user, homeOwner });
  },
};

export interface RuntimeFacts {
  readonly uid: number;
  /** XDG_RUNTIME_DIR of the login shell. */
  readonly named: string | undefined;
  /** uid of the directory; undefined where there is none. */
  readonly owner: number | undefined;
}

export function judgeRuntime({ uid, named, owner }: RuntimeFacts): Finding {
  const path = named ?? `/run/user/${uid}`;
  if (owner === uid) return ok(path);
  const seen = owner === undefined ? `there is no ${path}` : `${path} belongs to uid ${owner}`;
  const fix = `loginctl enable-linger ${uid}`;
  if (named === undefined) return ok(`${seen}; Charliecloud needs none (${fix} makes it)`);
  return warn(
    `XDG_RUNTIME_DIR is set, and ${seen}`,
    "programs that keep sockets there fail in jobs",
    `${fix}, or no XDG_RUNTIME_DIR in profile files and [general] user_bash_env`,
  );
}

export const runtimeProbe: Probe = {
  id: "runtime-dir",
  title: "/run/user",
  run: async ({ user, login }) => {
    const named = login["XDG_RUNTIME_DIR"];
    const path = named ?? `/run/user/${user.uid}`;
    const owner = statSync(path, { throwIfNoEntry: false })?.uid;
    return judgeRuntime({ uid: user.uid, named, owner });
  },
};
