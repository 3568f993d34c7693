/** Makes the packages for this machine and installs them below a directory, with dpkg's and rpm's own databases there. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { makePackages } from "../../scripts/package.ts";
import { binaryPath } from "../binary.ts";

const ROOT = join(import.meta.dir, "../..");
const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));

let directory = "";
let made: string[] = [];
beforeAll(() => {
  directory = mkdtempSync("/var/tmp/jacamar-package-");
  made = packagesIn(join(directory, "first"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function packagesIn(outdir: string): string[] {
  if (process.arch !== "x64" && process.arch !== "arm64") throw new Error(process.arch);
  return makePackages({
    binaries: new Map([[process.arch, binaryPath()]]),
    outdir,
    compression: "none",
  });
}

function run(...argv: string[]): string {
  const result = Bun.spawnSync(argv, { stdin: "ignore", env: { ...process.env, LC_ALL: "C" } });
  const said = result.stdout.toString() + result.stderr.toString();
  if (result.exitCode !== 0) throw new Error(`${argv.join(" ")}: ${result.exitCode}\n${said}`);
  return result.stdout.toString();
}

const sha256 = (file: string) => createHash("sha256").update(readFileSync(file)).digest("hex");
const ending = (suffix: string) => made.find((file) => file.endsWith(suffix)) ?? "";

/** Every file below a directory, without the databases of dpkg and rpm. */
function filesBelow(root: string): string[] {
  const names = readdirSync(root, { recursive: true, withFileTypes: true });
  return names
    .filter((entry) => !entry.isDirectory())
    .map((entry) => `${entry.parentPath.slice(root.length)}/${entry.name}`)
    .filter((path) => !path.startsWith("/var/") && !path.startsWith("/db/"))
    .sort();
}

const EXPECTED = [
  "/usr/bin/jacamar",
  "/usr/share/bash-completion/completions/jacamar",
  "/usr/share/doc/jacamar/README.md",
  "/usr/share/doc/jacamar/copyright",
  "/usr/share/doc/jacamar/docs/admins.md",
  "/usr/share/doc/jacamar/examples/gitlab-runner.service.d/jacamar.conf",
  "/usr/share/doc/jacamar/examples/jacamar.toml",
  "/usr/share/fish/vendor_completions.d/jacamar.fish",
  "/usr/share/man/man1/jacamar.1.gz",
  "/usr/share/man/man5/jacamar.toml.5.gz",
];

/** The program as installed is the one that was built, runs, and reads the example that came with it. */
function expectInstalled(root: string, zsh: string): void {
  const installed = join(root, "usr/bin/jacamar");
  expect(sha256(installed)).toBe(sha256(binaryPath()));
  expect(statSync(installed).mode & 0o7777).toBe(0o755);
  expect(run(installed, "--version")).toStartWith(`Version: ${version}\n`);
  const example = join(root, "usr/share/doc/jacamar/examples/jacamar.toml");
  expect(run(installed, "--no-auth", "check", example)).toContain("1 file: nothing found");
  for (const path of [...EXPECTED, zsh])
    expect([path, existsSync(join(root, path))]).toEqual([path, true]);
}

test.skipIf(process.getuid?.() !== 0)(
  "dpkg installs the package, what it installed runs, and dpkg removes all of it",
  () => {
    const root = join(directory, "deb");
    mkdirSync(join(root, "var/lib/dpkg/updates"), { recursive: true });
    mkdirSync(join(root, "var/lib/dpkg/info"));
    writeFileSync(join(root, "var/lib/dpkg/status"), "");
    const dpkg = (...words: string[]) =>
      run("dpkg", `--root=${root}`, "--force-depends", "--log=/dev/null", ...words);

    dpkg("--install", ending(".deb"));
    expectInstalled(root, "/usr/share/zsh/vendor-completions/_jacamar");
    expect(dpkg("--verify", "jacamar")).toBe("");
    expect(run("dpkg-deb", "--field", ending(".deb"), "Version")).toBe(`${version}-1\n`);

    dpkg("--purge", "jacamar");
    expect(filesBelow(root)).toEqual([]);
    expect(existsSync(join(root, "usr"))).toBe(false);
  },
);

test.skipIf(process.getuid?.() !== 0)(
  "rpm installs the package, what it installed runs, and rpm removes all of it",
  () => {
    const root = join(directory, "rpm");
    mkdirSync(root);
    const rpm = (...words: string[]) => run("rpm", `--root=${root}`, "--dbpath=/db", ...words);

    rpm("--initdb");
    rpm("--install", "--nodeps", ending(".rpm"));
    expectInstalled(root, "/usr/share/zsh/site-functions/_jacamar");
    expect(rpm("--verify", "--nodeps", "jacamar")).toBe("");
    expect(rpm("--query", "--licensefiles", "jacamar")).toBe("/usr/share/doc/jacamar/copyright\n");

    rpm("--erase", "jacamar");
    expect(filesBelow(root)).toEqual([]);
  },
);

test("both packages say what they need, belong to root, and hold files of one time", () => {
  const deb = run("dpkg-deb", "--contents", ending(".deb")).trimEnd().split("\n");
  const columns = deb.map((line) => line.split(/\s+/));
  expect(new Set(columns.map(([, owner]) => owner))).toEqual(new Set(["root/root"]));
  expect(new Set(columns.map(([, , , day, time]) => `${day} ${time}`)).size).toBe(1);
  expect(run("dpkg-deb", "--field", ending(".deb"), "Depends")).toContain("libc6 (>= 2.17)");

  const format = "[%{FILEUSERNAME} %{FILEGROUPNAME} %{FILEMTIMES}\n]";
  const rpm = run("rpm", "-qp", "--queryformat", format, ending(".rpm")).trimEnd().split("\n");
  expect([...new Set(rpm)]).toEqual([expect.stringMatching(/^root root \d+$/)]);
  expect(run("rpm", "-qp", "--requires", ending(".rpm"))).toContain("glibc >= 2.17");
});

test("the same executable gives the same bytes again, and SHA256SUMS has them", () => {
  const second = packagesIn(join(directory, "deeper/second"));
  expect(second.map(sha256)).toEqual(made.map(sha256));
  const sums = readFileSync(ending("SHA256SUMS"), "utf8");
  expect(sums).toBe(
    made
      .slice(0, -1)
      .map((file) => `${sha256(file)}  ${file.split("/").at(-1)}\n`)
      .join(""),
  );
  // Nothing else is left beside them.
  expect(readdirSync(join(directory, "first"))).toHaveLength(made.length);
});
