import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** The user whom the job runs as. */
export interface User {
  readonly uid: number;
  readonly gid: number;
  readonly name: string;
  readonly home: string;
}

/**
 * The user of this process. The name comes from the user database, never from $USER (absent under cron and systemd,
 * and free text); the home directory is the hook's $HOME, which gitlab-runner repairs, else the database's.
 *
 * `os.userInfo()` is of no use here: Bun fills it from the environment.
 */
export function currentUser(env: Readonly<Record<string, string | undefined>>): User {
  const uid = process.getuid?.() ?? 0;
  const entry = passwdEntry(uid);
  const home = env["HOME"]?.startsWith("/") ? env["HOME"] : entry?.home;
  return {
    uid,
    gid: process.getgid?.() ?? 0,
    name: entry?.name ?? String(uid),
    home: home ?? "/",
  };
}

/** Another user of this host by login name; undefined for an unknown one. */
export function userNamed(name: string): User | undefined {
  const isName = (entry: User) => entry.name === name;
  return (
    findUser(readFileSync("/etc/passwd", "utf8"), isName) ?? findUser(askNameService(name), isName)
  );
}

function passwdEntry(uid: number): User | undefined {
  const isUser = (entry: User) => entry.uid === uid;
  return (
    findUser(readFileSync("/etc/passwd", "utf8"), isUser) ??
    findUser(askNameService(String(uid)), isUser)
  );
}

/** LDAP and sssd users are not in /etc/passwd. */
function askNameService(user: string): string {
  return spawnSync("getent", ["passwd", user], { encoding: "utf8", timeout: 10_000 }).stdout ?? "";
}

function findUser(passwd: string, wanted: (entry: User) => boolean): User | undefined {
  for (const line of passwd.split("\n")) {
    const [name, , uid, gid, , home] = line.split(":");
    if (!name || !uid) continue;
    const entry = { name, uid: Number(uid), gid: Number(gid), home: home || "/" };
    if (wanted(entry)) return entry;
  }
  return undefined;
}
