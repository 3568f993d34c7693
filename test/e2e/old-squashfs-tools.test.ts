import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { listTree, unsquash } from "../fixtures/layers-flatten.ts";
import {
  type ContainerTests,
  cacheOf,
  containerJob,
  startContainerTests,
} from "./container-site.ts";
import type { Site } from "./site.ts";

let tests: ContainerTests;
beforeAll(async () => {
  tests = await startContainerTests();
});
afterAll(() => tests.close());

/**
 * A squashfs-tools of another version cannot be installed here: this one tells its version, refuses what that refuses,
 * notes how it was called, and is the installed one for the rest.
 */
function oldTools({ dir, home }: Site, version: string, refused: readonly string[]): string {
  const calls = `${dir}/mksquashfs-calls`;
  mkdirSync(`${dir}/old`);
  const lines = [
    "#!/bin/bash",
    `if [ "$1" = -version ]; then echo 'mksquashfs version ${version} (2019/08/29)'; exit; fi`,
    `echo "$*" >> '${calls}'`,
    'for word in "$@"; do case $word in',
    `${refused.join(" | ")}) echo "mksquashfs: invalid option $word" >&2; exit 1 ;;`,
    "esac; done",
    'exec /usr/bin/mksquashfs "$@"',
  ];
  writeFileSync(`${dir}/old/mksquashfs`, `${lines.join("\n")}\n`, { mode: 0o755 });
  writeFileSync(`${home}/.bash_profile`, `export PATH=${dir}/old:$PATH\n`);
  return calls;
}

/** Whether the image was packed from a directory or a tar, and what is in it. */
async function packed(site: Site) {
  const result = await site.runner().run(containerJob(tests.images.tiny));
  expect([result.status, result.log.includes("running=")]).toEqual(["success", true]);
  const entries = `${cacheOf(site)}/entries`;
  const [entry = ""] = readdirSync(entries);
  const directory = `${site.dir}/unpacked`;
  unsquash(`${entries}/${entry}/image.sqfs`, directory);
  // The image has the mount points of its own site.
  return [...listTree(directory)].map(([path, what]) => [path.replace(site.dir, "SITE"), what]);
}

test.each([
  ["4.4", ["-tar"], ["zstd", "-quiet"]],
  ["4.3", ["-tar", "-quiet", "zstd"], ["gzip"]],
] as const)(
  "squashfs-tools %s pack an unpacked copy to the same image",
  async (version, refused, used) => {
    const old = tests.site();
    const calls = oldTools(old, version, refused);
    const tree = await packed(old);
    const words = readFileSync(calls, "utf8").trim().split(/\s/);
    expect(words[0]).toEndWith("/tree");
    for (const word of used) expect(words).toContain(word);
    expect(tree).toEqual(await packed(tests.site()));
  },
);
