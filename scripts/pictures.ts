/**
 * Makes the pictures of docs/pictures: what commands print on a terminal, as SVG. Each command really runs, on a
 * pseudo-terminal, so that its colours are those that people see.
 *
 * Usage: npm run pictures
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { architectures, build } from "./build.ts";
import { svgOf } from "./terminal-svg.ts";

const ROOT = resolve(import.meta.dir, "..");
const PICTURES = join(ROOT, "docs/pictures");
const COLUMNS = 110;

/** With one of each kind of mistake that `check` finds. */
const CONFIGURATION = `[general]
executor = "shell"
data_dir = "$HOME"
kill_timeout = 30
run_mechanism = "charliecloud"

[general.charliecloud]
image_alowlist = ["^registry.example.org/"]
default_image = "debian:12"
`;

interface Picture {
  readonly name: string;
  /** As it stands on the picture. */
  readonly shown: string;
  readonly command: string;
  /** The last lines alone, where the first ones say nothing. */
  readonly last?: number;
}

const PICTURE_LIST: readonly Picture[] = [
  { name: "check", shown: "jacamar check jacamar.toml", command: "jacamar check jacamar.toml" },
  {
    name: "doctor",
    shown: "jacamar doctor --configuration jacamar.toml",
    command: "jacamar doctor --configuration good.toml",
  },
  { name: "demo", shown: "npm run demo", command: `cd ${ROOT} && npm run --silent demo`, last: 40 },
];

/** Runs a command on a pseudo-terminal; gives what it printed, whatever its status. */
function printed(command: string, directory: string, bin: string): string {
  const { stdout } = Bun.spawnSync(
    ["script", "-qec", `stty cols ${COLUMNS}; ${command}`, "/dev/null"],
    {
      cwd: directory,
      env: {
        PATH: `${bin}:${process.env["PATH"] ?? ""}`,
        HOME: directory,
        USER: "ci",
        TERM: "xterm-256color",
      },
      stdin: "ignore",
    },
  );
  return stdout.toString().replaceAll("\r\n", "\n");
}

const [built] = build({ architectures: architectures(true) });
if (built === undefined) throw new Error("nothing was built");
const directory = mkdtempSync("/var/tmp/jacamar-pictures-");
const bin = join(directory, "bin");
try {
  mkdirSync(bin);
  mkdirSync(PICTURES, { recursive: true });
  Bun.spawnSync(["ln", "-s", built.file, join(bin, "jacamar")]);
  writeFileSync(join(directory, "jacamar.toml"), CONFIGURATION);
  writeFileSync(
    join(directory, "good.toml"),
    CONFIGURATION.replace("kill_timeout = 30\n", "").replace(/^image_alowlist.*\n.*\n/m, ""),
  );
  for (const { name, shown, command, last } of PICTURE_LIST) {
    const lines = printed(command, directory, bin).trimEnd().split("\n");
    const kept = last === undefined ? lines : lines.slice(-last);
    const text = kept
      .join("\n")
      .replaceAll(directory, "/home/ci")
      .replaceAll("good.toml", "jacamar.toml");
    writeFileSync(join(PICTURES, `${name}.svg`), svgOf(`$ ${shown}\n${text}`, COLUMNS));
    console.log(`docs/pictures/${name}.svg`);
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
