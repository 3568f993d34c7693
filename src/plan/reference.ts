import { accept, type Refusal, refuse, type Verdict } from "./decision.ts";
import type { DefaultRegistry } from "./default-registry.ts";
import { quoted } from "./quoted.ts";

/** An image name that ch-image accepts, taken apart. */
export interface Reference {
  /** As the job or the configuration has it. */
  readonly written: string;
  /** `host` or `host:port`, exactly as written, or of the site's default registry; absent: Docker Hub. */
  readonly host?: string;
  /** Without host, tag and digest, e.g. `group/image`; as written. */
  readonly path: string;
  readonly tag?: string;
  /** `sha256:` and 64 hexadecimal digits. */
  readonly digest?: string;
  /** The full name with all defaults, e.g. `docker.io/library/debian:latest`. */
  readonly canonical: string;
  /** The name for ch-image, always with a tag or a digest, never with both. */
  readonly pull: string;
  /** What was changed between `written` and `pull`, for the job log. */
  readonly note?: string;
}

/** Who wrote the name and where, so that a refusal blames the right one. */
export interface ReferenceOrigin {
  readonly fault: Refusal["fault"];
  /** The key, e.g. `image:` or `[general.charliecloud] default_image`. */
  readonly from: string;
}

const JOB_IMAGE: ReferenceOrigin = { fault: "user", from: "image:" };

/** ch-image makes one directory with the whole name. */
const LONGEST_NAME = 255;

const DOCKER_HUB = "docker.io";

/** What Docker Hub's registry is really called; ch-image knows no alias of it. */
const HUB_REGISTRY = "registry-1.docker.io";

const HUB_ALIASES: readonly string[] = [DOCKER_HUB, "index.docker.io"];

const HOST =
  /^[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?)*$/;
const COMPONENT = /^[a-z0-9]+(?:[._-]+[a-z0-9]+)*$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

interface Parts {
  readonly host: string | undefined;
  readonly path: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

/**
 * Reads an image name `[host[:port]/]path[:tag | @sha256:…]`. A first component is a host only if it contains a
 * dot or a colon. Refuses, with one message that quotes the name, whatever ch-image would misread or reject;
 * a tag beside a digest is dropped, because the digest alone decides.
 *
 * @param fallback the registry of names without a host; absent: Docker Hub
 */
export function parseReference(
  text: string,
  origin: ReferenceOrigin = JOB_IMAGE,
  fallback?: DefaultRegistry,
): Verdict<Reference> {
  const parts = partsOf(text);
  const found = strangeCharacters(text) ?? partProblem(parts);
  const fallen = parts.host === undefined ? fallback : undefined;
  if (found === undefined && fallen !== undefined && !isPlace(fallen)) {
    const seen = quoted(`${fallen.host}/${fallen.prefix}`);
    const message = `Cannot use the image ${quoted(text)}: the default registry ${seen} (CH_REGY_DEFAULT_HOST, CH_REGY_DEFAULT_PORT, CH_REGY_PATH_PREFIX) is none; wanted a host such as registry.example, a port number and a path of small letters`;
    return refuse("admin", message, "[general] user_bash_env");
  }
  const reference = referenceOf(text, parts, fallen);
  const problem =
    found ?? (reference.pull.length > LONGEST_NAME ? tooLong(reference.pull) : undefined);
  if (problem !== undefined) {
    const message = `Cannot use the image ${quoted(text)}: ${problem}; wanted a name such as registry.example/group/image:tag`;
    return refuse(origin.fault, message, origin.from);
  }
  return accept(reference);
}

function partsOf(text: string): Parts {
  const [name = "", ...digests] = text.split("@");
  const slash = name.indexOf("/");
  const first = slash === -1 ? "" : name.slice(0, slash);
  const host = /[.:]/.test(first) ? first : undefined;
  const rest = host === undefined ? name : name.slice(slash + 1);
  const colon = rest.indexOf(":", rest.lastIndexOf("/") + 1);
  return {
    host,
    path: colon === -1 ? rest : rest.slice(0, colon),
    tag: colon === -1 ? undefined : rest.slice(colon + 1),
    digest: digests.length === 0 ? undefined : digests.join("@"),
  };
}

function referenceOf(
  written: string,
  { host: named, path, tag, digest }: Parts,
  fallback: DefaultRegistry | undefined,
): Reference {
  const host = named ?? fallback?.host;
  const renamed = named !== undefined && HUB_ALIASES.includes(named);
  const isHub = host === undefined || HUB_ALIASES.includes(host) || host === HUB_REGISTRY;
  const suffix = digest === undefined ? `:${tag ?? "latest"}` : `@${digest}`;
  const below = fallback && fallback.prefix !== "" ? `${fallback.prefix}/${path}` : path;
  const fullPath = isHub && !below.includes("/") ? `library/${below}` : below;
  // ch-image has the same default registry, but its storage knows the image by the name without it.
  const pull = named === undefined ? path : `${renamed ? HUB_REGISTRY : named}/${fullPath}`;
  const notes = [
    ...(tag !== undefined && digest !== undefined
      ? [`the tag ${quoted(tag)} is dropped because the digest decides`]
      : []),
    ...(renamed ? [`ch-image reaches ${named} as ${HUB_REGISTRY}`] : []),
  ];
  return {
    written,
    ...(host === undefined ? {} : { host }),
    path,
    ...(tag === undefined || digest !== undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
    canonical: `${isHub ? DOCKER_HUB : host}/${fullPath}${suffix}`,
    pull: `${pull}${suffix}`,
    ...(notes.length === 0 ? {} : { note: notes.join("; ") }),
  };
}

function strangeCharacters(text: string): string | undefined {
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(text)?.[0];
  if (text === "") {
    return "it is empty";
  }
  if (/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(text)) {
    return "it contains a newline or another control character";
  }
  if (/\s/.test(text)) {
    return "it contains a space";
  }
  if (scheme !== undefined) {
    return `it begins with a scheme, write it without ${quoted(scheme)}`;
  }
  if (text.includes("$")) {
    return "it contains a $ that no variable replaced";
  }
  if (/[%+]/.test(text)) {
    return "it contains % or +, which ch-image reads as / and :";
  }
  return undefined;
}

function partProblem({ host, path, tag, digest }: Parts): string | undefined {
  if (host !== undefined && !isHost(host)) {
    return `${quoted(host)} is no registry host with an optional port`;
  }
  if (path === "") {
    return "there is no path";
  }
  if (/[A-Z]/.test(path)) {
    return `its path contains upper-case letters, wanted ${quoted(path.toLowerCase())}`;
  }
  const wrong = path.split("/").find((component) => !COMPONENT.test(component));
  if (wrong !== undefined) {
    return `the path component ${quoted(wrong)} is not made of a-z, 0-9 and separating . _ -`;
  }
  if (tag !== undefined && !TAG.test(tag)) {
    return `${quoted(tag)} is no tag (at most 128 of A-Z, a-z, 0-9, _ . -)`;
  }
  if (digest !== undefined && !DIGEST.test(digest)) {
    return `${quoted(digest)} is no digest (sha256: and 64 lower-case hexadecimal digits)`;
  }
  return undefined;
}

function isPlace({ host, prefix }: DefaultRegistry): boolean {
  return isHost(host) && (prefix === "" || prefix.split("/").every((one) => COMPONENT.test(one)));
}

function isHost(text: string): boolean {
  const [name = "", port, ...more] = text.split(":");
  const portFits = port === undefined || (/^[1-9]\d{0,4}$/.test(port) && Number(port) <= 65_535);
  return more.length === 0 && portFits && HOST.test(name);
}

function tooLong(pull: string): string {
  return `it has ${pull.length} characters with its tag, more than the ${LONGEST_NAME} that a file name may have`;
}
