/** What a package installs, as data: the same for both formats but for two paths. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type Program, programFor } from "../../src/commands/cli.ts";
import { OPTIONS, TABLES } from "../../src/settings/options.ts";
import { viewOf } from "./command-view.ts";
import { bashCompletion } from "./completion-bash.ts";
import { fishCompletion } from "./completion-fish.ts";
import { zshCompletion } from "./completion-zsh.ts";
import { licenseTexts } from "./components.ts";
import { exampleConfiguration, RUNNER_DROP_IN } from "./example-files.ts";
import { commandsPage, configurationPage } from "./man.ts";

export type Format = "deb" | "rpm";

/** One file of a package. */
export interface PackageFile {
  /** Absolute, as installed. */
  readonly path: string;
  readonly mode: number;
  /** Text or bytes, or a file to copy. */
  readonly content: string | Uint8Array | { readonly copyOf: string };
  readonly isLicense?: true;
}

export interface FilesInput {
  readonly root: string;
  readonly binary: string;
  readonly version: string;
  /** Seconds since 1970. */
  readonly time: number;
}

const DOC = "/usr/share/doc/jacamar";
const ZSH: Readonly<Record<Format, string>> = {
  deb: "/usr/share/zsh/vendor-completions",
  rpm: "/usr/share/zsh/site-functions",
};

/** The files of a package, sorted by path. */
export function packageFiles(format: Format, input: FilesInput): PackageFile[] {
  const { root, binary } = input;
  const plain = (path: string, content: PackageFile["content"]) => ({ path, mode: 0o644, content });
  const files: PackageFile[] = [
    { path: "/usr/bin/jacamar", mode: 0o755, content: { copyOf: binary } },
    ...manPages(input).map(([path, page]) => plain(path, compressed(page))),
    ...completions(format).map(([path, script]) => plain(path, script)),
    plain(`${DOC}/examples/jacamar.toml`, exampleConfiguration()),
    plain(`${DOC}/examples/gitlab-runner.service.d/jacamar.conf`, RUNNER_DROP_IN),
    { ...plain(`${DOC}/copyright`, licenseTexts(root)), isLicense: true },
    ...documents(root).map((name) => plain(`${DOC}/${name}`, { copyOf: join(root, name) })),
  ];
  return files.sort((one, other) => (one.path < other.path ? -1 : 1));
}

/** The directories that a package calls its own, so that they go with it; the first ones first. */
export function ownDirectories(files: readonly PackageFile[]): string[] {
  const own = new Set<string>();
  for (const { path } of files) {
    const steps = path.split("/");
    // What is below /usr/share/NAME is ours, except the directories that every system has.
    for (let depth = 4; depth < steps.length; depth++) {
      const directory = steps.slice(0, depth).join("/");
      if (!/^\/usr\/share\/(man|doc)(\/man\d)?$/.test(directory)) own.add(directory);
    }
  }
  return [...own].sort();
}

function manPages({ version, time }: FilesInput): [string, string][] {
  const info = { version, date: new Date(time * 1000).toISOString().slice(0, 10) };
  return [
    ["/usr/share/man/man1/jacamar.1.gz", commandsPage(program(), info)],
    ["/usr/share/man/man5/jacamar.toml.5.gz", configurationPage(info)],
  ];
}

function completions(format: Format): [string, string][] {
  const definition = program();
  const main = viewOf("jacamar", definition);
  const commands = Object.entries(definition.subCommands).map(([name, one]) =>
    viewOf(name, name === "help" ? { ...one, words: { topic: helpTopics(definition) } } : one),
  );
  return [
    ["/usr/share/bash-completion/completions/jacamar", bashCompletion(main, commands)],
    ["/usr/share/fish/vendor_completions.d/jacamar.fish", fishCompletion(main, commands)],
    [`${ZSH[format]}/_jacamar`, zshCompletion(main, commands)],
  ];
}

/** Not part of the command's definition, because hooks would load the option table for it. */
function helpTopics({ subCommands }: Program): string[] {
  const keys = OPTIONS.filter((option) => option.state === "active").map(({ key }) => key);
  const tables = TABLES.map(({ path }) => path);
  return [...new Set([...Object.keys(subCommands), ...keys, ...tables])];
}

/** The definitions alone: nothing is run. */
function program() {
  return programFor({ env: {}, noAuth: false, words: [], command: undefined, exit: 0 });
}

/** The guides, each beside what it links to. */
function documents(root: string): string[] {
  const patterns = ["*.md", "docs/**/*"];
  return patterns.flatMap((pattern) => [...new Bun.Glob(pattern).scanSync(root)]).sort();
}

/** Level and header are fixed, so that the bytes are. */
function compressed(text: string): Uint8Array {
  return gzipSync(text, { level: 9 });
}

/** A file's bytes. */
export function contentOf({ content }: PackageFile): Uint8Array {
  if (typeof content === "string") return Buffer.from(content);
  return "copyOf" in content ? readFileSync(content.copyOf) : content;
}
