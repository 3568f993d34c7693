import { quoteWord } from "./quote.ts";
import body from "./reproducer.bash" with { type: "text" };

/** What a script that runs a job's script again, by hand, must know. Nothing of it may be secret. */
export interface ReproducerProgram {
  /** For people: what it is, and how it differs from the job. */
  readonly comment: readonly string[];
  /** What a batch job's program or the direct command starts; written below `work`. */
  readonly texts: readonly { readonly path: string; readonly text: string }[];
  readonly project: string;
  /** That the project was at; empty: unknown. */
  readonly commit: string;
  /** Where it is started. */
  readonly builds: string;
  readonly scripts: string;
  /** A directory below `scripts` that is made for one run. */
  readonly work: string;
  /** Whose being there means that a job uses the directories. */
  readonly claims: readonly string[];
  /** The image as a path; empty: none, or one by name. */
  readonly image: string;
  /** What must be there for the container. */
  readonly directories: readonly string[];
  readonly files: readonly string[];
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Environment of the script in a batch job; absent: `command` runs the script itself. */
  readonly inside?: Readonly<Record<string, string>>;
  readonly asked: readonly string[];
  readonly askedFiles: readonly string[];
}

export function reproducerProgram(program: ReproducerProgram): string {
  const { comment, texts, inside, asked, askedFiles, environment } = program;
  const { project, commit, builds, scripts, work, image } = program;
  const words = { project, commit, builds, scripts, work, image, batch: inside ? "1" : "0" };
  const lists = {
    claims: program.claims.map(quoteWord),
    directories: program.directories.map(quoteWord),
    files: program.files.map(quoteWord),
    command: program.command.map(quoteWord),
    environment: entries(environment),
    inside: entries(inside ?? {}),
  };
  const asking = [
    ...asked.map((name) => `ask ${name}`),
    ...askedFiles.map((name) => `ask_file ${name}`),
  ];
  const intro = "echo 'Secrets of the job: type each one, or press Enter to leave it empty.' >&2";
  return [
    "#!/usr/bin/env bash",
    ...comment.map((line) => `# ${line.replaceAll(/[\r\n]/g, " ")}`.trimEnd()),
    "# shellcheck disable=SC2016,SC2317 # what looks as if it should be expanded is the job's own; not each job needs each function",
    "set -u",
    "umask 077",
    ...Object.entries(words).map(([name, value]) => `${name}=${quoteWord(value)}`),
    // Bash before 4.4 takes an empty list for one that is not set.
    ...Object.entries(lists).map(([name, list]) => `${name}=(${list.join(" ")})`),
    "",
    "give_variables() {",
    ...[...(asking.length > 0 ? [intro, ...asking] : ["return 0"])].map((line) => `  ${line}`),
    "}",
    "",
    "write_files() {",
    ...(inside ? ['  command -p mkdir -- "$work/batch"'] : []),
    ...texts.map(({ path, text }) => hereDocument(path, text)),
    "}",
    "",
    body,
  ].join("\n");
}

/** A value with an account in it, as proxies have it, comes from the environment of who runs the script. */
function entries(env: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(env).map(([name, value]) =>
    /:\/\/[^/]*@/.test(value) ? `"${name}=\${${name}-}"` : quoteWord(`${name}=${value}`),
  );
}

function hereDocument(path: string, text: string): string {
  const lines = new Set(text.split("\n"));
  let end = "END_OF_FILE";
  while (lines.has(end)) end += "_";
  const whole = text.endsWith("\n") ? text : `${text}\n`;
  return `  command -p cat > ${quoteWord(path)} << '${end}'\n${whole}${end}\n  command -p chmod 700 -- ${quoteWord(path)}`;
}
