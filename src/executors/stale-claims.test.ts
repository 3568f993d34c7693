import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { createConsola } from "consola/core";
import { type Claim, claimsOn, newClaim, take } from "../host/claim.ts";
import { identify } from "../host/proc.ts";
import { collectStaleClaims } from "./stale-claims.ts";

let dir = "";
let lines: string[] = [];
beforeEach(() => {
  dir = mkdtempSync("/var/tmp/jacamar-stale-");
  for (const name of ["claims", "scripts", "builds"]) mkdirSync(`${dir}/${name}`);
  lines = [];
});
afterEach(() => rmSync(dir, { recursive: true }));

function claim(change: Partial<Claim> = {}): Claim {
  const notes = { scripts: `${dir}/scripts/000`, builds: `${dir}/builds/000`, host: hostname() };
  const holder = { ...identify(process.pid), start: "1" };
  return { ...newClaim({ job: "7", holder, expires: Date.now() + 60_000, notes }), ...change };
}

function put(path: string): void {
  mkdirSync(`${dir}/${path.slice(0, path.lastIndexOf("/"))}`, { recursive: true });
  writeFileSync(`${dir}/${path}`, "");
}

async function collect(retain = false): Promise<void> {
  const log = createConsola({
    level: 3,
    reporters: [{ log: ({ args }) => void lines.push(args.join(" ")) }],
  });
  await collectStaleClaims(`${dir}/claims`, process.getuid?.() ?? 0, retain, log);
}

const left = (...paths: string[]) => paths.filter((path) => existsSync(`${dir}/${path}`));

test("scripts and file variables of a dead runner's job go, its sources stay, the slot is free", async () => {
  put("scripts/000/build_script.bash");
  put("builds/000/group/sub/app.tmp/SECRET");
  put("builds/000/group/sub/app/.git/config");
  // Not of the runner, however it is called.
  put("builds/000/group/sub/app/cache.tmp/kept");
  put("builds/000/group/notes.tmp");
  put("builds/000/other.tmp/SECRET");
  take(`${dir}/claims/000`, claim());
  await collect();
  expect(
    left("scripts/000", "builds/000/group/sub/app.tmp", "builds/000/other.tmp", "claims/000"),
  ).toEqual([]);
  const kept = ["group/sub/app/.git/config", "group/sub/app/cache.tmp/kept", "group/notes.tmp"];
  expect(left(...kept.map((path) => `builds/000/${path}`))).toHaveLength(3);
  expect(lines).toEqual([`Removing what job 7 left in ${dir}/scripts/000: its runner is gone`]);
});

test("a live claim and one that cannot be judged are left alone", async () => {
  put("scripts/000/x");
  const live = claim({ holder: identify(process.pid) });
  take(`${dir}/claims/000`, live);
  mkdirSync(`${dir}/claims/001`);
  writeFileSync(`${dir}/claims/001/token.json`, '{"version":2}');
  await collect();
  expect(claimsOn(`${dir}/claims/000`)).toEqual([live]);
  expect(left("scripts/000/x", "claims/001/token.json")).toHaveLength(2);
  expect(lines).toEqual([]);
});

test("retain_logs keeps the scripts and still removes file variables", async () => {
  put("scripts/000/x");
  put("builds/000/app.tmp/SECRET");
  take(`${dir}/claims/000`, claim());
  await collect(true);
  expect(left("scripts/000/x", "builds/000/app.tmp", "claims/000")).toEqual(["scripts/000/x"]);
});

test("nothing to remove is no failure", async () => {
  take(`${dir}/claims/000`, claim());
  take(`${dir}/claims/001`, claim({ notes: {} }));
  await collect();
  expect(left("claims/000", "claims/001")).toEqual([]);
});
