import type { Format } from "./check.ts";
import type { Command, CommandRun, Commands } from "./definition.ts";
import { tryDefinition } from "./try/definition.ts";
import { driverVersion } from "./version.ts";

/** What a tool needs besides: the words after the command's name, and those after a `--` among them. */
export interface ToolRun extends CommandRun {
  readonly words: readonly string[];
  readonly command: readonly string[] | undefined;
}

/** Tools that take any number of words. */
export const TAKES_MORE: readonly string[] = ["check", "cache"];

const FORMATS: Format[] = ["text", "json", "sarif", "gitlab"];

/** The commands that admins start by hand; each loads what it needs when it runs, so that hooks load none of it. */
export function toolCommands(run: ToolRun): Commands {
  const check: Command = {
    meta: { name: "check", description: "find every mistake in configuration files" },
    args: {
      file: { type: "positional", description: "a site's configuration (TOML); may be several" },
      format: {
        type: "enum",
        options: FORMATS,
        default: "text",
        description: "what to print; gitlab: a Code Quality report",
      },
    },
    examples: [
      {
        line: "jacamar --no-auth check /etc/jacamar/*.toml",
        what: "check files as the hooks read them, which have --no-auth too",
      },
      {
        line: "jacamar --no-auth check --format gitlab jacamar.toml > codequality.json",
        what: "a report for merge requests",
      },
    ],
    async run({ args }) {
      const { check: work } = await import("./check.ts");
      run.exit = await work({
        files: args._,
        // citty has compared it with the options.
        format: FORMATS.find((format) => format === args["format"]) ?? "text",
        noAuth: run.noAuth,
        version: driverVersion(),
        env: run.env,
      });
    },
  };
  const schema: Command = {
    meta: { name: "schema", description: "print the JSON Schema of configuration files" },
    examples: [
      { line: "jacamar schema > jacamar.schema.json", what: "a file for an editor to read" },
    ],
    async run() {
      run.exit = (await import("./schema.ts")).printSchema();
    },
  };
  const tryCommand: Command = {
    ...tryDefinition,
    async run({ args }) {
      const { tryJob } = await import("./try/try.ts");
      const { words, command, env } = run;
      run.exit = await tryJob({ args, words, command, env });
    },
  };
  return { check, schema, doctor: doctorCommand(run), cache: cacheCommand(run), try: tryCommand };
}

function doctorCommand(run: ToolRun): Command {
  return {
    meta: { name: "doctor", description: "look whether this host is able to run jobs" },
    args: {
      configuration: {
        type: "string",
        valueHint: "FILE",
        description: "the site's configuration, default /etc/jacamar/jacamar.toml if that exists",
      },
      user: { type: "string", valueHint: "NAME", description: "as root: look as this user" },
      json: { type: "boolean", description: "print JSON" },
      support: {
        type: "string",
        valueHint: "FILE",
        description: "also write an archive for a bug report (.tar.gz), without secrets",
      },
      part: { type: "boolean", description: "used by doctor itself: one request on stdin" },
    },
    examples: [
      {
        line: "jacamar doctor --configuration /etc/jacamar/jacamar.toml --user ci",
        what: "as root: look as the user of the jobs",
      },
      {
        line: "jacamar doctor --support report.tar.gz",
        what: "also an archive for a bug report, without secrets",
      },
    ],
    async run({ args }) {
      const { doctor } = await import("./doctor.ts");
      const word = (name: string) => (args[name] === undefined ? undefined : String(args[name]));
      run.exit = await doctor({
        configuration: word("configuration"),
        user: word("user"),
        json: args["json"] === true,
        support: word("support"),
        part: args["part"] === true,
        noAuth: run.noAuth,
        version: driverVersion(),
        env: run.env,
      });
    },
  };
}

function cacheCommand(run: ToolRun): Command {
  return {
    meta: {
      name: "cache",
      description:
        "show, fill and tidy the cache of images: ls, du, gc, verify, rm IMAGE, export IMAGE FILE, pull IMAGE…",
    },
    args: {
      action: { type: "positional", description: "ls, du, gc, verify, rm, export or pull" },
      image: {
        type: "positional",
        required: false,
        description:
          "reference, digest or name of an image, for rm, export and pull, which takes several",
      },
      file: { type: "positional", required: false, description: "the file to make, for export" },
      configuration: {
        type: "string",
        valueHint: "FILE",
        description: "the site's configuration (TOML)",
      },
      dir: { type: "string", valueHint: "DIR", description: "the cache's directory instead" },
      "for-everyone": {
        type: "boolean",
        description: "with pull: jobs of every project may use it without asking the registry",
      },
      json: { type: "boolean", description: "print JSON" },
    },
    words: { action: ["ls", "du", "gc", "verify", "rm", "export", "pull"] },
    examples: [
      {
        line: "jacamar cache ls --configuration /etc/jacamar/jacamar.toml",
        what: "list the images that are kept",
      },
      {
        line: "jacamar cache pull debian:12 --for-everyone --dir /scratch/images",
        what: "have an image ready before the first job asks for it",
      },
      { line: "jacamar cache gc --dir /scratch/images", what: "remove what the limits say" },
    ],
    async run({ args }) {
      const { manageCache } = await import("./cache.ts");
      const word = (name: string) => (args[name] === undefined ? undefined : String(args[name]));
      run.exit = await manageCache({
        action: String(args["action"]),
        image: word("image"),
        file: word("file"),
        images: args._.slice(1),
        forEveryone: args["for-everyone"] === true,
        configuration: word("configuration"),
        dir: word("dir"),
        json: args["json"] === true,
        env: run.env,
      });
    },
  };
}
