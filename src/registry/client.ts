import { quoted } from "../plan/quoted.ts";
import { downloadBlob } from "./blob.ts";
import { readConfig } from "./image-config.ts";
import { isDigest, type ManifestStep, parseObject, type Read, readManifest } from "./manifest.ts";
import { bareType, MANIFEST_TYPES } from "./media-types.ts";
import { failed, final, type Outcome } from "./problem.ts";
import { ask, createSession, insist, refusal, type Session } from "./session.ts";
import { trustedAuthorities } from "./trust.ts";
import type {
  Answered,
  Architecture,
  Descriptor,
  ImageManifest,
  ImageTarget,
  RegistryClient,
  RegistryOptions,
} from "./types.ts";

/** What registries must take in a push, and more than any image needs. */
const LARGEST_MANIFEST = 4 * 1024 * 1024;
const LARGEST_CONFIG = 8 * 1024 * 1024;
/** An index may name an index. */
const DEEPEST_INDEX = 3;

const ACCEPT = { Accept: [...MANIFEST_TYPES.index, ...MANIFEST_TYPES.manifest].join(", ") };

interface Document {
  readonly digest: string;
  readonly mediaType: string;
  readonly text: string;
}

/**
 * A client of the OCI distribution API for one registry (and what it redirects to). It keeps tokens; everything else is
 * in the options. Reads the CA files at once.
 */
export function createRegistryClient(options: RegistryOptions): RegistryClient {
  const authorities = trustedAuthorities(options.caBundle);
  if (!authorities.ok) {
    const { failure, said } = authorities.problem;
    const refuse = () => Promise.resolve({ ok: false, failure, said } as const);
    return { resolve: refuse, image: refuse, blob: refuse };
  }
  const session = createSession(options, authorities.value);
  return {
    resolve: (target) => insist(session, target.registry, () => resolve(session, target)),
    image: (target, digest, architecture) => image(session, target, digest, architecture),
    blob: (target, descriptor, file, onBytes) =>
      downloadBlob(session, target, descriptor, file, onBytes),
  };
}

interface Resolved {
  readonly digest: string;
  readonly mediaType: string;
}

async function resolve(session: Session, target: ImageTarget): Promise<Outcome<Resolved>> {
  const { reference } = target;
  const request = { method: "HEAD", path: `manifests/${reference}`, headers: ACCEPT } as const;
  const head = await ask<Resolved | undefined>(session, target, request, async (answer) => {
    if (answer.status === 405 || answer.status === 501) return { ok: true, value: undefined };
    if (answer.status !== 200) return refusal(session, answer);
    const digest = answer.headers.get("docker-content-digest") ?? "";
    const mediaType = bareType(answer.headers.get("content-type") ?? "");
    // Without a proper digest it may be no registry at all, which the body tells.
    return { ok: true, value: isDigest(digest) ? { digest, mediaType } : undefined };
  });
  if (!head.ok) return head;
  if (head.value === undefined) {
    const got = await getDocument(session, target, `manifests/${reference}`);
    if (!got.ok) return got;
    const { digest, mediaType } = got.value;
    return { ok: true, value: { digest, mediaType } };
  }
  if (isDigest(reference) && head.value.digest !== reference)
    return final("corrupt", `${target.registry} says that ${reference} is ${head.value.digest}`);
  return { ok: true, value: head.value };
}

/** A manifest, by its digest or by a tag; verified if by digest. */
function getDocument(
  session: Session,
  target: ImageTarget,
  path: string,
  limit = LARGEST_MANIFEST,
): Promise<Outcome<Document>> {
  const wanted = path.slice(path.indexOf("/") + 1);
  const headers = path.startsWith("manifests/") ? ACCEPT : {};
  return ask(session, target, { method: "GET", path, headers }, async (answer) => {
    if (answer.status !== 200) return refusal(session, answer);
    const mediaType = bareType(answer.headers.get("content-type") ?? "");
    const body = await answer.bytes(limit);
    if (body === undefined) return final("other", `${answer.what} has more than ${limit} bytes`);
    const announced = answer.headers.get("content-length");
    if (announced !== null && Number(announced) !== body.length) {
      const said = `${answer.what} broke off after ${body.length} of ${announced} bytes`;
      return failed({ failure: "unreachable", said, passing: true });
    }
    const text = body.toString();
    // Often the login page of a network, or a web server that is no registry.
    if (parseObject(text) === undefined)
      return final("other", `${answer.what} answered with ${mediaType || "no type"}, wanted JSON`);
    const digest = `sha256:${Bun.CryptoHasher.hash("sha256", body, "hex")}`;
    if (isDigest(wanted) && digest !== wanted)
      return final("corrupt", `${answer.what} has the digest ${digest}`);
    return { ok: true, value: { digest, mediaType, text } };
  });
}

async function image(
  session: Session,
  target: ImageTarget,
  digest: string,
  architecture: Architecture,
): Promise<Answered<ImageManifest>> {
  const { registry } = target;
  const name = `${registry}/${target.repository}@`;
  if (!isDigest(digest))
    return about(`${name}${digest}`, {
      ok: false,
      failure: "unsuitable",
      said: "only sha256 can be verified",
    });
  let wanted = digest;
  for (let depth = 0; depth < DEEPEST_INDEX; depth++) {
    const path = `manifests/${wanted}`;
    const got = await insist(session, registry, () => getDocument(session, target, path));
    if (!got.ok) return got;
    const step = readManifest(got.value.text, got.value.mediaType, architecture);
    if (!step.ok) return about(`${name}${wanted}`, step);
    if (step.value.kind === "manifest")
      return withConfig(session, target, wanted, step.value, architecture);
    wanted = step.value.chosen.digest;
  }
  const said = `an index within an index, more than ${DEEPEST_INDEX} deep`;
  return { ok: false, failure: "unsuitable", said: `${name}${digest}: ${said}` };
}

async function withConfig(
  session: Session,
  target: ImageTarget,
  digest: string,
  manifest: Extract<ManifestStep, { kind: "manifest" }>,
  architecture: Architecture,
): Promise<Answered<ImageManifest>> {
  const { registry, repository } = target;
  const config = await configText(session, target, manifest.config);
  if (!config.ok) return config;
  const name = `${registry}/${repository}@${digest}`;
  const read = readConfig(config.value, manifest.layers);
  if (!read.ok) return about(name, read);
  const { architecture: made } = read.value.config;
  // Some builders write a wrong one, so that only the image's programs can tell.
  if (made !== undefined && made !== architecture)
    session.options.log.warn(
      `${name} says that it is for ${quoted(made)}, not for ${architecture}`,
    );
  return { ok: true, value: { digest, ...read.value } };
}

async function configText(
  session: Session,
  target: ImageTarget,
  { digest }: Descriptor,
): Promise<Answered<string>> {
  const path = `blobs/${digest}`;
  const once = () => getDocument(session, target, path, LARGEST_CONFIG);
  const got = await insist(session, target.registry, once);
  return got.ok ? { ok: true, value: got.value.text } : got;
}

function about<T>(name: string, problem: Extract<Read<unknown>, { ok: false }>): Answered<T> {
  return { ok: false, failure: problem.failure, said: `${name}: ${problem.said}` };
}
