import type { Addition } from "./additions.ts";

/** What of an image's config (OCI or Docker, parsed JSON) goes into its tree. */
export interface ConfigOfImage {
  readonly architecture?: unknown;
  readonly history?: unknown;
  readonly config?: unknown;
}

const DIRECTORIES = "bin dev etc mnt proc sys tmp usr".split(" ");
const MOUNTS = Array.from({ length: 10 }, (_, at) => `mnt/${at}`);
/** What ch-image's builds start from, and `ch-image pull` writes down. */
const BUILD_ARGUMENTS = {
  FAKEROOTDONTTRYCHOWN: "1",
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  TAR_OPTIONS: "--no-same-owner",
};

/**
 * What `ch-image pull` (0.31) adds to an image's layers, byte for byte: the directories and files that ch-run mounts over,
 * the image's volumes, its config as pulled, and what ch-run and `ch-image build FROM` read of it.
 *
 * `/ch/environment` has one `NAME=value` a line, sorted by name and without quotes. An `Env` item without `=` is left
 * out, where ch-image fails; a history that is missing is empty.
 *
 * @param configText the config blob as the registry gave it
 * @throws SyntaxError when that is not JSON
 */
export function imageFiles(configText: string): Addition[] {
  const image = record(JSON.parse(configText));
  const config = record(image["config"]);
  const environment = Object.fromEntries(
    array(config["Env"])
      .filter((line): line is string => typeof line === "string" && line.indexOf("=") > 0)
      .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );
  const volumes = Object.keys(record(config["Volumes"]));
  const metadata = {
    arch: image["architecture"] || "amd64",
    arg: BUILD_ARGUMENTS,
    cwd: config["WorkingDir"] || "/",
    env: environment,
    history: array(image["history"]),
    labels: config["Labels"] || {},
    shell: config["Shell"] || ["/bin/sh", "-c"],
    volumes,
  };
  const lines = Object.keys(environment)
    .sort()
    .map((name) => `${name}=${environment[name]}`);
  return [
    ...[...DIRECTORIES, ...MOUNTS].map(
      (path) => ({ type: "directory", path: `/${path}` }) as const,
    ),
    { type: "file", path: "/etc/hosts" },
    { type: "file", path: "/etc/resolv.conf" },
    ...volumes.map((path) => ({ type: "directory", path: `/${path}` }) as const),
    { type: "text", path: "/ch/config.pulled.json", text: configText },
    { type: "text", path: "/ch/environment", text: `${lines.join("\n")}\n` },
    { type: "text", path: "/ch/metadata.json", text: `${pythonJson(metadata)}\n` },
  ];
}

/** As Python's `json.dumps(value, indent=2, sort_keys=True)`. */
function pythonJson(value: unknown): string {
  const text = JSON.stringify(value, (_, inner) => sorted(inner), 2);
  return text.replace(/[\x7f-\uffff]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

function sorted(value: unknown): unknown {
  const isRecord = typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isRecord) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function record(value: unknown): Record<string, unknown> {
  const isRecord = typeof value === "object" && value !== null && !Array.isArray(value);
  return isRecord ? { ...value } : {};
}

function array(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
