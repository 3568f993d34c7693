import { expect, test } from "bun:test";
import { type CacheDirectoryInput, planCacheDirectory } from "./cache-directory.ts";

interface Case {
  readonly dir?: string;
  readonly parent?: string;
  readonly executor?: CacheDirectoryInput["settings"]["general"]["executor"];
  readonly storage?: string;
  readonly dataDir?: string;
  readonly home?: string;
}

function plan({ dir, parent, executor = "shell", storage, dataDir, home }: Case) {
  const cache = {
    enabled: true,
    puller: "builtin",
    max_age: 1,
    min_free: { percent: 5 },
    shared: false,
    ...(dir === undefined ? {} : { dir }),
  } as const;
  return planCacheDirectory({
    settings: {
      general: { executor },
      charliecloud: { cache, ...(parent === undefined ? {} : { image_storage_dir: parent }) },
    },
    user: { name: "ann", home: home ?? "/home/ann", uid: 1000 },
    storage: storage ?? "/var/tmp/ann.ch",
    dataDir: dataDir ?? "/data",
  });
}

test.each<[Case, string, string]>([
  [{}, "/var/tmp/ann.ch.jacamar/images", "CH_IMAGE_STORAGE"],
  [{ executor: "slurm" }, "/data/images", "[general] data_dir"],
  [{ executor: "flux", dataDir: "/lustre/ann" }, "/lustre/ann/images", "[general] data_dir"],
  [{ parent: "/images/" }, "/images/ann.images", "[general.charliecloud] image_storage_dir"],
  [{ parent: "/" }, "/ann.images", "[general.charliecloud] image_storage_dir"],
  [
    { parent: "~/i", executor: "slurm" },
    "/home/ann/i/ann.images",
    "[general.charliecloud] image_storage_dir",
  ],
  [{ dir: "/cache//x/" }, "/cache/x", "[general.charliecloud.cache] dir"],
  [{ dir: "$HOME/c", parent: "/images" }, "/home/ann/c", "[general.charliecloud.cache] dir"],
  [{ dir: "~", executor: "slurm" }, "/home/ann", "[general.charliecloud.cache] dir"],
  [{ dir: "/scratch/${USER}/i" }, "/scratch/ann/i", "[general.charliecloud.cache] dir"],
])("planCacheDirectory() of %j is %s", (wanted, choice, from) => {
  expect(plan(wanted)).toEqual({
    ok: true,
    value: { choice, from, because: expect.stringMatching(/^[a-z].{10,}[^.]$/) },
  });
});

test.each<[Case, string, RegExp]>([
  [{ dir: "images" }, "[general.charliecloud.cache] dir", /"images": it is relative/],
  [{ dir: "$OTHER/x" }, "[general.charliecloud.cache] dir", /"\$OTHER\/x": it is relative/],
  [{ dir: "/a:b" }, "[general.charliecloud.cache] dir", /colon/],
  [{ dir: "$HOME/x", home: "/a:b" }, "[general.charliecloud.cache] dir", /\("\/a:b\/x"\).*colon/],
  [{ dir: "/" }, "[general.charliecloud.cache] dir", /root/],
  [{ dir: "/proc/x" }, "[general.charliecloud.cache] dir", /\/proc/],
  [{ parent: "images" }, "[general.charliecloud] image_storage_dir", /relative/],
  [{ parent: "/a\nb" }, "[general.charliecloud] image_storage_dir", /"\/a\\nb".*newline/],
  [{ storage: "/a:b" }, "CH_IMAGE_STORAGE", /"\/a:b".*colon/],
])("planCacheDirectory() of %j is refused", (wanted, from, message) => {
  const verdict = plan(wanted);

  expect(verdict).toMatchObject({ ok: false, refusal: { fault: "admin", from } });
  expect(verdict.ok ? "" : verdict.refusal.message).toMatch(message);
  expect(verdict.ok ? "" : verdict.refusal.message).toEndWith(
    "; [general.charliecloud.cache] dir names another directory",
  );
});
