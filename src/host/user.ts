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

function passwdEntry(uid: number): { name: string; home: string } | undefined {
  return findUser(readFileSync("/etc/passwd", "utf8"), uid) ?? findUser(askNameService(uid), uid);
}

/** LDAP and sssd users are not in /etc/passwd. */
function askNameService(uid: number): string {
  return (
    spawnSync("getent", ["passwd", String(uid)], { encoding: "utf8", timeout: 10_000 }).stdout ?? ""
  );
}

function findUser(passwd: string, uid: number): { name: string; home: string } | undefined {
  for (const line of passwd.split("\n")) {
    const [name, , id, , , home] = line.split(":");
    if (id === String(uid) && name) return { name, home: home || "/" };
  }
  return undefined;
}
