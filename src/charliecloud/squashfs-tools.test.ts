import { expect, test } from "bun:test";
import { squashfsToolsOf } from "./squashfs-tools.ts";

test.each([
  ["mksquashfs version 4.3-git (2014/09/12)", false, "gzip", false],
  ["mksquashfs version 4.4 (2019/08/29)", false, "zstd", true],
  ["mksquashfs version 4.5.1 (2022/03/17)", true, "zstd", true],
  ["mksquashfs version 4.10 (2030/01/01)", true, "zstd", true],
  ["mksquashfs version 5.0 (2031/01/01)", true, "zstd", true],
  ["", false, "gzip", false],
] as const)("%j", (said, readsTar, algorithm, quiet) => {
  const tools = squashfsToolsOf(said);
  expect([tools.readsTar, tools.compressor, tools.silence.includes("-quiet")]).toEqual([
    readsTar,
    algorithm,
    quiet,
  ]);
});
