import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { binaryPath } from "../binary.ts";
import { makeSite } from "./site.ts";

/** On another processor the arm64 program runs under qemu's user emulation, with a C library for arm64. */
function arm64(words: readonly string[]): string {
  const emulator =
    process.arch === "arm64" ? [] : ["qemu-aarch64-static", "-L", "/usr/aarch64-linux-gnu"];
  const { stdout, stderr, exitCode } = Bun.spawnSync([...emulator, binaryPath("arm64"), ...words], {
    env: { PATH: "/usr/bin:/bin", HOME: "/" },
  });
  return `${exitCode}\n${stdout}${stderr}`;
}

test("the arm64 program prints its version", () => {
  expect(arm64(["--version"])).toMatch(
    /^0\nVersion: \d+\.\d+\.\d+\nGit Commit: \S+\nBun Version: \S+arm64\nBuilt: \S+\n$/,
  );
});

test("the arm64 program explains a whole job", () => {
  const site = makeSite({ charliecloud: ['image_allowlist = ["registry.example/"]'] });
  const words = ["--no-auth", "--explain", "--configuration", site.configuration];
  const plan = arm64([...words, "--image", "registry.example/group/tools:1", "--json"]);
  expect(plan).toMatch(/^0\n/);
  const { plan: decided } = JSON.parse(plan.slice(2));
  expect(decided.refusals).toEqual([]);
  expect(decided.step.reference.pull).toBe("registry.example/group/tools:1");
  expect(arm64([...words, "--image", "evil.example/x"])).toContain("REFUSED");
  expect(existsSync(site.dataDir)).toBe(false);
  site.close();
});
