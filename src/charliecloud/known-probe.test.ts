import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { KNOWN_MILLISECONDS, knownProbe, noteProbe, type Trial, trialFile } from "./known-probe.ts";
import type { ProbeResult } from "./probe.ts";

const NOW = Date.now();
const GOOD: ProbeResult = {
  shell: { interpreter: "/bin/bash", shell: "/bin/bash", isBash: true },
  missing: [],
};

let dir = "";
let base: Trial;
beforeAll(() => {
  dir = mkdtempSync("/var/tmp/jacamar-known-probe-");
  const [chRun, image] = ["ch-run", "image.sqfs"].map((name) => `${dir}/${name}`) as [
    string,
    string,
  ];
  for (const path of [chRun, image]) writeFileSync(path, "1");
  base = {
    command: [chRun, "--set-env=HOME=/h", image, "--"],
    env: { HOME: "/h", https_proxy: "http://user:s3cret@proxy" },
    cwd: "/builds",
    programs: ["bash"],
    image,
    directories: ["/builds"],
  };
});
afterAll(() => rmSync(dir, { recursive: true }));

function file(changes: Partial<Trial> = {}, directory = "known"): string {
  const path = trialFile(`${dir}/${directory}`, { ...base, ...changes });
  if (path === undefined) throw new Error("no file for this trial");
  return path;
}

test("a trial that succeeded is known for an hour, and not before it was made", () => {
  noteProbe(file(), GOOD, NOW);
  const known = [0, KNOWN_MILLISECONDS - 1, KNOWN_MILLISECONDS, -1].map((later) =>
    knownProbe(file(), NOW + later),
  );
  expect(known).toEqual([GOOD, GOOD, undefined, undefined]);
});

test("only the owner can read it, and no value of the environment is in it", async () => {
  noteProbe(file(), GOOD, NOW);
  expect(statSync(`${dir}/known`).mode & 0o777).toBe(0o700);
  expect(statSync(file()).mode & 0o777).toBe(0o600);
  expect(file() + (await Bun.file(file()).text())).not.toContain("s3cret");
});

test.each([
  ["another option", { command: ["--bind=/x"] }],
  ["another environment", { env: { HOME: "/h" } }],
  ["another working directory", { cwd: "/" }],
  ["other programs", { programs: ["bash", "git"] }],
] as const)("%s makes it another trial", (_name, { ...changes }) => {
  const more: Partial<Trial> =
    "command" in changes ? { command: [...base.command, ...changes.command] } : changes;
  expect(file(more)).not.toBe(file());
  expect(file({ env: Object.fromEntries(Object.entries(base.env).reverse()) })).toBe(file());
});

test("but other names of the job's own directories do not, be it in the command line or as the working directory", () => {
  const inSlot = (slot: string) =>
    file({
      command: [...base.command, `--bind=/d/builds/${slot}`, `--set-env=HOME=/d/s/${slot}/home`],
      cwd: `/d/builds/${slot}`,
      directories: [`/d/builds/${slot}`, `/d/s/${slot}`],
    });
  expect(inSlot("001")).toBe(inSlot("000"));
  const other = { cwd: "/d/builds/000", directories: ["/d/builds/000", "/d/s/000"] };
  expect(file({ ...other, command: [...base.command, "--bind=/d/builds/001"] })).not.toBe(
    file({ ...other, command: [...base.command, "--bind=/d/builds/000"] }),
  );
  // Which of them stands where counts.
  expect(file({ ...other, cwd: "/d/s/000" })).not.toBe(file(other));
});

test("so does another ch-run or another image in the same place, even of the same size and time", () => {
  for (const path of [base.command[0] ?? "", base.image]) {
    const before = file();
    const { mtime } = statSync(path);
    rmSync(path);
    writeFileSync(`${dir}/other`, "x");
    writeFileSync(path, "2");
    utimesSync(path, mtime, mtime);
    expect(file()).not.toBe(before);
  }
});

test("what failed is never remembered", () => {
  const directory = "failed";
  noteProbe(file({}, directory), { shell: undefined, missing: [] }, NOW);
  noteProbe(file({}, directory), { ...GOOD, missing: ["git"] }, NOW);
  expect(knownProbe(file({}, directory), NOW)).toBeUndefined();
});

test.each(["", "{", "null", "[]", '{"version":2}', '{"version":1,"at":1,"result":{"shell":{}}}'])(
  "%j is no result",
  (text) => {
    noteProbe(file({}, "torn"), GOOD, NOW);
    writeFileSync(file({}, "torn"), text);
    expect(knownProbe(file({}, "torn"), NOW)).toBeUndefined();
  },
);

test("without ch-run or an image there is nothing to know, and nowhere to write is no failure", () => {
  expect(trialFile(dir, { ...base, image: `${dir}/none` })).toBeUndefined();
  expect(trialFile(dir, { ...base, command: [`${dir}/none`] })).toBeUndefined();
  const nowhere = file({}, "ch-run/below");
  noteProbe(nowhere, GOOD, NOW);
  expect(knownProbe(nowhere, NOW)).toBeUndefined();
});

test("old results go when a new one is noted", () => {
  const directory = "old";
  const old = file({ cwd: "/old" }, directory);
  noteProbe(old, GOOD, NOW);
  const before = new Date(NOW - 2 * KNOWN_MILLISECONDS);
  utimesSync(old, before, before);
  noteProbe(file({}, directory), GOOD, NOW);
  expect(readdirSync(`${dir}/${directory}`)).toEqual([file({}, directory).split("/").pop() ?? ""]);
});
