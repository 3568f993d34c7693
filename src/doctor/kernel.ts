import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { errorCode } from "../host/files.ts";
import { findProgram } from "../host/find-program.ts";
import type { Context } from "./context.ts";
import { type Finding, fail, ok, type Probe, warn } from "./finding.ts";
import { ask, outcomeOf, usesContainers, worked } from "./tools.ts";

const ADMIN_PATH = "/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin";

/** What the kernel says and does about user namespaces. */
export interface NamespaceFacts {
  /** Undefined: there is no `unshare` to try it with. */
  readonly trial: { readonly works: boolean; readonly said: string } | undefined;
  /** Switches of the kernel by name, as they are in /proc/sys. */
  readonly switches: Readonly<Record<string, string>>;
  readonly needed: boolean;
}

const SWITCHES = [
  "user.max_user_namespaces",
  "kernel.unprivileged_userns_clone",
  "kernel.apparmor_restrict_unprivileged_userns",
];
const CLOSED: Readonly<Record<string, string>> = {
  "user.max_user_namespaces": "0",
  "kernel.unprivileged_userns_clone": "0",
  "kernel.apparmor_restrict_unprivileged_userns": "1",
};
const OPENED: Readonly<Record<string, string>> = {
  "user.max_user_namespaces": "sysctl user.max_user_namespaces=15000",
  "kernel.unprivileged_userns_clone": "sysctl kernel.unprivileged_userns_clone=1",
  "kernel.apparmor_restrict_unprivileged_userns":
    "an AppArmor profile for ch-run that permits userns, or sysctl kernel.apparmor_restrict_unprivileged_userns=0",
};

async function namespaceFacts(context: Context): Promise<NamespaceFacts> {
  const unshare = findProgram("unshare", ADMIN_PATH);
  const command = ["--user", "--map-root-user", "--mount", "/bin/sh", "-c", "echo works"];
  const run = unshare === undefined ? undefined : await ask(context, [unshare, ...command]);
  const read = SWITCHES.map((name) => [name, switchValue(name)] as const);
  return {
    trial: run && { works: worked(run), said: outcomeOf(run) },
    switches: Object.fromEntries(read.filter(([, value]) => value !== "")),
    needed: usesContainers(context),
  };
}

function switchValue(name: string): string {
  try {
    return readFileSync(`/proc/sys/${name.replaceAll(".", "/")}`, "utf8").trim();
  } catch {
    return "";
  }
}

export function judgeNamespaces({ trial, switches, needed }: NamespaceFacts): Finding {
  const closed = Object.keys(switches).filter((name) => switches[name] === CLOSED[name]);
  const shown = closed.map((name) => `${name} = ${switches[name]}`).join(", ");
  if (trial === undefined)
    return warn("not tried: unshare was not found", "see container below", "install util-linux");
  if (trial.works) return ok("a process can make a user and a mount namespace of its own");
  const problem = needed ? fail : warn;
  return problem(
    `unshare ${trial.said}${shown === "" ? "" : `; ${shown}`}`,
    "ch-run cannot start: no job runs in a container",
    closed.map((name) => OPENED[name]).join("; ") ||
      "let this user have user namespaces (sysctl user.max_user_namespaces); inside a container or chroot the outer one decides",
  );
}

export const namespaceProbe: Probe = {
  id: "user-namespaces",
  title: "user namespaces",
  run: async (context) => judgeNamespaces(await namespaceFacts(context)),
};

/** Mounts a tmpfs, and an overlay whose upper layer is in it: what ch-run does for --write-fake. */
const OVERLAY_TRIAL = [
  "mount -t tmpfs none /mnt",
  "mkdir /mnt/u /mnt/w /mnt/l /mnt/m",
  "mount -t overlay overlay -o lowerdir=/mnt/l,upperdir=/mnt/u,workdir=/mnt/w,userxattr /mnt/m",
  "echo works > /mnt/m/file",
].join(" && ");

export const overlayProbe: Probe = {
  id: "overlay",
  title: "unprivileged overlay",
  run: async (context) => {
    const unshare = findProgram("unshare", ADMIN_PATH);
    if (unshare === undefined)
      return warn(
        "not tried: unshare was not found",
        "see --write-fake below",
        "install util-linux",
      );
    const command = ["--user", "--map-root-user", "--mount", "/bin/sh", "-c", OVERLAY_TRIAL];
    const run = await ask(context, [unshare, ...command]);
    if (worked(run)) return ok("mounted and written to in a user namespace");
    return judgeOverlay(outcomeOf(run), usesContainers(context));
  },
};

export function judgeOverlay(said: string, needed: boolean): Finding {
  if (!needed) return ok(`not usable (${said}); not needed without containers`);
  return warn(
    said,
    "ch-run --write-fake does not work: images are read-only, and mount points are made in stored images",
    "a kernel of 5.11 or later that permits unprivileged overlay mounts",
  );
}

export interface FuseFacts {
  readonly state: "usable" | "missing" | "forbidden";
  /** Permission bits in octal, owner and group, for people. */
  readonly mode: string;
  readonly needed: boolean;
}

function fuseFacts(context: Context): FuseFacts {
  const needed = usesContainers(context);
  const stats = statSync("/dev/fuse", { throwIfNoEntry: false });
  if (stats === undefined) return { state: "missing", mode: "", needed };
  const octal = (stats.mode & 0o7777).toString(8).padStart(4, "0");
  const mode = `mode ${octal}, owner ${stats.uid}:${stats.gid}`;
  try {
    accessSync("/dev/fuse", constants.R_OK | constants.W_OK);
    return { state: "usable", mode, needed };
  } catch (error) {
    return { state: errorCode(error) === "ENOENT" ? "missing" : "forbidden", mode, needed };
  }
}

export function judgeFuse({ state, mode, needed }: FuseFacts): Finding {
  if (state === "usable") return ok("this user can open it");
  const seen =
    state === "missing" ? "there is no /dev/fuse" : `this user may not open it (${mode})`;
  if (!needed) return ok(`${seen}; not needed without containers`);
  return warn(
    seen,
    "images are unpacked into directories of many files instead of one SquashFS file; batch jobs, whose image is one file, fail on nodes like this host",
    state === "missing" ? "modprobe fuse" : "chmod 0666 /dev/fuse, kept by a udev rule",
  );
}

export const fuseProbe: Probe = {
  id: "fuse",
  title: "/dev/fuse",
  run: async (context) => judgeFuse(fuseFacts(context)),
};
