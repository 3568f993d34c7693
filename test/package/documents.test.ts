import { expect, test } from "bun:test";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { contentOf, packageFiles } from "../../scripts/package/files.ts";
import { programFor } from "../../src/commands/cli.ts";
import { OPTIONS } from "../../src/settings/options.ts";

const source = { root: join(import.meta.dir, "../.."), binary: "", version: "1.2.3", time: 86_400 };
const files = packageFiles("deb", source);
const program = programFor({ env: {}, noAuth: false, words: [], command: undefined, exit: 0 });

function contentAt(end: string): Uint8Array {
  const file = files.find(({ path }) => path.endsWith(end));
  if (file === undefined) throw new Error(`there is no ${end}`);
  return contentOf(file);
}

/** A man page as a terminal shows it; a warning of groff is a failure. */
function rendered(end: string): string {
  const man = Bun.spawnSync(
    ["groff", "-ww", "-b", "-man", "-Kutf8", "-Tutf8", "-rLL=200n", "-P-cbou"],
    { stdin: gunzipSync(contentAt(end)) },
  );
  expect([man.exitCode, man.stderr.toString()]).toEqual([0, ""]);
  return man.stdout.toString().replace(/[ \n]+/g, " ");
}

test("jacamar(1) renders without warnings and has every command, option and example", () => {
  const page = rendered("jacamar.1.gz");
  expect(page).toContain("jacamar 1.2.3 1970-01-02 JACAMAR(1)");
  for (const [name, command] of Object.entries(program.subCommands)) {
    expect(page).toContain(`jacamar [OPTIONS] ${name}`);
    for (const option of Object.entries(command.args ?? {}))
      if (option[1].type !== "positional") expect(page).toContain(`--${option[0]}`);
    for (const { line } of command.examples ?? []) expect(page).toContain(line);
  }
});

test("jacamar.toml(5) renders without warnings and has every key with its meaning", () => {
  const page = rendered("jacamar.toml.5.gz");
  for (const { key, meaning, state } of OPTIONS) {
    expect(page).toContain(key);
    if (state === "active") expect(page).toContain(meaning);
  }
});

test("man finds the pages in their place", () => {
  const paths = files.map(({ path }) => path).filter((path) => path.startsWith("/usr/share/man/"));
  expect(paths).toEqual([
    "/usr/share/man/man1/jacamar.1.gz",
    "/usr/share/man/man5/jacamar.toml.5.gz",
  ]);
});

test("the drop-in sends SIGQUIT to gitlab-runner alone, and lies where it has no effect", () => {
  const drop = Buffer.from(contentAt("gitlab-runner.service.d/jacamar.conf")).toString();
  const active = drop.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  expect(active).toEqual([
    "[Service]",
    "KillSignal=SIGQUIT",
    "KillMode=mixed",
    "TimeoutStopSec=24h",
  ]);
  expect(files.filter(({ path }) => /^\/(etc|usr\/lib|lib)\//.test(path))).toEqual([]);
});
