import { expect, test } from "bun:test";
import { accept } from "../plan/decision.ts";
import { type CacheSource, chooseSource, type SourceInput } from "./image-source.ts";

const CACHE: SourceInput["settings"]["cache"] = {
  enabled: true,
  puller: "builtin",
  max_age: 0,
  min_free: { bytes: 0 },
  shared: false,
};
const PACKING = { mksquashfs: "/usr/bin/mksquashfs", fuse: true };
const DIRECTORY = { choice: "/images", because: "it is named", from: "dir" };

function sourceOf(wanted: {
  readonly cache?: Partial<typeof CACHE>;
  readonly disableConvert?: boolean;
  readonly packing?: Partial<SourceInput["packing"]>;
  readonly chImage?: string;
  readonly forBatch?: boolean;
  readonly mirrored?: boolean;
}) {
  return chooseSource({
    settings: {
      cache: { ...CACHE, ...wanted.cache },
      disable_convert: wanted.disableConvert ?? false,
    },
    packing: { ...PACKING, ...wanted.packing },
    chImage: wanted.chImage,
    forBatch: wanted.forBatch ?? false,
    directory: accept(DIRECTORY),
    mirrored: wanted.mirrored ?? false,
  });
}

function cacheSource(wanted: Parameters<typeof sourceOf>[0]): CacheSource {
  const source = sourceOf(wanted);
  if (!source.ok || source.value.choice !== "cache") throw new Error(JSON.stringify(source));
  return source.value;
}

test("the cache by default; Charliecloud's storage where the site says so", () => {
  expect(cacheSource({}).directory).toEqual(DIRECTORY);
  for (const [wanted, from] of [
    [{ cache: { enabled: false } }, "[general.charliecloud.cache] enabled"],
    [{ disableConvert: true }, "[general.charliecloud] disable_convert"],
  ] as const) {
    expect(sourceOf(wanted)).toMatchObject({ ok: true, value: { choice: "storage", from } });
    expect(sourceOf({ ...wanted, mirrored: true })).toMatchObject({
      ok: false,
      refusal: { fault: "admin", from },
    });
  }
});

test("one file where FUSE and mksquashfs are there, else a directory", () => {
  expect(cacheSource({}).entry.choice).toBe("sqfs");
  expect(cacheSource({ packing: { fuse: false } }).entry).toMatchObject({
    choice: "directory",
    from: "/dev/fuse",
  });
  expect(cacheSource({ packing: { mksquashfs: undefined } }).entry.choice).toBe("directory");
});

test("a batch job gets one file in any case, or the site is told what is missing", () => {
  expect(cacheSource({ forBatch: true }).batchEntry).toBeUndefined();
  const noFuse = cacheSource({ forBatch: true, packing: { fuse: false } });
  expect([noFuse.entry.choice, noFuse.batchEntry?.choice]).toEqual(["directory", "sqfs"]);
  expect(sourceOf({ forBatch: true, packing: { mksquashfs: undefined } })).toMatchObject({
    ok: false,
    refusal: { fault: "admin", from: "[general.charliecloud] disable_convert" },
  });
});

test("the puller that the site asks for must be there", () => {
  const cache = { puller: "ch-image" } as const;
  expect(cacheSource({}).puller.choice).toBe("builtin");
  expect(cacheSource({ cache, chImage: "/usr/bin/ch-image" }).puller.choice).toBe("ch-image");
  expect(sourceOf({ cache })).toMatchObject({
    ok: false,
    refusal: { fault: "admin", from: "[general.charliecloud.cache] puller" },
  });
});
