import { isDigest, list, object, parseObject, type Read, text } from "./manifest.ts";
import type { Descriptor, ImageConfig, LayerDescriptor } from "./types.ts";

/** Reads an image's configuration and gives each layer the digest of its tar, which only the configuration knows. */
export function readConfig(
  raw: string,
  layers: readonly Descriptor[],
): Read<{ readonly config: ImageConfig; readonly layers: readonly LayerDescriptor[] }> {
  const document = parseObject(raw);
  if (document === undefined) return bad("its configuration is no JSON object");
  const os = text(document["os"]);
  if (os !== "" && os !== "linux")
    return { ok: false, failure: "unsuitable", said: `it is for ${os}, wanted linux` };
  const diffIds = list(object(document["rootfs"])?.["diff_ids"]).map(text);
  if (diffIds.length !== layers.length || !diffIds.every(isDigest)) {
    return bad(`its configuration lists ${diffIds.length} layers, its manifest ${layers.length}`);
  }
  const described = layers.map((layer, index) => ({ ...layer, diffId: diffIds[index] ?? "" }));
  return { ok: true, value: { config: partsOf(document, raw), layers: described } };
}

function partsOf(document: Readonly<Record<string, unknown>>, raw: string): ImageConfig {
  const config = object(document["config"]) ?? {};
  const [architecture, os] = [text(document["architecture"]), text(document["os"])];
  const words = (name: string) =>
    list(config[name]).filter((word): word is string => typeof word === "string");
  return {
    ...(architecture === "" ? {} : { architecture }),
    ...(os === "" ? {} : { os }),
    Env: words("Env"),
    Entrypoint: words("Entrypoint"),
    Cmd: words("Cmd"),
    WorkingDir: text(config["WorkingDir"]),
    User: text(config["User"]),
    raw,
  };
}

function bad<T>(said: string): Read<T> {
  return { ok: false, failure: "corrupt", said };
}
