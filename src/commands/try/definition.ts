import type { ArgsDef } from "citty";

/** What `jacamar try` takes; `--variable` may occur several times, and a command follows after `--`. */
export const tryDefinition = {
  meta: {
    name: "try",
    description:
      "run one job through all hooks on this host, as gitlab-runner would: FILE [--job NAME], or [--image REF] -- COMMAND…",
  },
  args: {
    file: {
      type: "positional",
      required: false,
      description: "a .gitlab-ci.yml, the default is the one of this directory",
    },
    job: { type: "string", valueHint: "NAME", description: "the file's job to run" },
    image: { type: "string", valueHint: "REF", description: "the image for COMMAND" },
    variable: {
      type: "string",
      valueHint: "K=V",
      description:
        "a variable of the job, K alone: from the environment; may be given several times",
    },
    configuration: {
      type: "string",
      valueHint: "FILE",
      description: "the site's configuration, default /etc/jacamar/jacamar.toml or a built-in one",
    },
    git: {
      type: "boolean",
      default: true,
      description: "give the job the files of HEAD of the current repository",
      negativeDescription: "start the job with an empty directory",
    },
  } satisfies ArgsDef,
  examples: [
    {
      line: "jacamar try --configuration new.toml --image debian:12 -- cat /etc/os-release",
      what: "run one command in an image, as a job would",
    },
    { line: "jacamar try .gitlab-ci.yml --job build", what: "run a job of a file" },
  ],
};
