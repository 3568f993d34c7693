/**
 * Bun reads many variables that must not steer a program which runs for other users. Each is tried on the compiled
 * program; those known to have an effect also on a control, compiled without `scripts/harden.ts`, so that a probe
 * which sees nothing is not taken for safety.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DEAD_NAMES } from "../scripts/harden-table.ts";
import { binaryPath } from "./binary.ts";
import { type Observation, observe, setTrap, type Trap } from "./hardening-probe.ts";

type Variables = (trap: Trap) => Record<string, string>;

/** What an unhardened program is seen to obey. */
const EFFECTIVE: Readonly<Record<string, Variables>> = {
  BUN_BE_BUN: () => ({ BUN_BE_BUN: "1" }),
  "BUN_OPTIONS --preload": (trap) => ({ BUN_OPTIONS: `--preload=${trap.evil}` }),
  "BUN_OPTIONS --cpu-prof": () => ({ BUN_OPTIONS: "--cpu-prof --cpu-prof-dir=." }),
  "BUN_INSPECT on a port": () => ({ BUN_INSPECT: "ws://127.0.0.1:0/x?wait=1" }),
  "BUN_INSPECT on a socket": (trap) => ({ BUN_INSPECT: `ws+unix://${trap.freeSocket}?wait=1` }),
  BUN_INSPECT_NOTIFY: (trap) => ({
    BUN_INSPECT: "ws://127.0.0.1:0/x?wait=1",
    BUN_INSPECT_NOTIFY: `unix://${trap.debuggerSocket}`,
  }),
  BUN_BYTECODE_ORDER_OUT: (trap) => ({ BUN_BYTECODE_ORDER_OUT: trap.target }),
  BUN_BYTECODE_DIGEST_OUT: (trap) => ({ BUN_BYTECODE_DIGEST_OUT: trap.target }),
  BUN_JSC_dumpOptions: () => ({ BUN_JSC_dumpOptions: "2" }),
  BUN_JSC_logGC: () => ({ BUN_JSC_logGC: "1" }),
  BUN_JSC_functionOverrides: () => ({ BUN_JSC_functionOverrides: "missing" }),
  "BUN_JSC_ without a known option": () => ({ BUN_JSC_: "1" }),
  BUN_CONFIG_MAX_HTTP_REQUESTS: () => ({ BUN_CONFIG_MAX_HTTP_REQUESTS: "x" }),
  JSC_SIGNAL_FOR_GC: () => ({ JSC_SIGNAL_FOR_GC: "0" }),
  WTF_numberOfProcessorCores: () => ({ WTF_numberOfProcessorCores: "x" }),
  NODE_CHANNEL_FD: () => ({ NODE_CHANNEL_FD: "x" }),
  MIMALLOC_VERBOSE: () => ({ MIMALLOC_VERBOSE: "1" }),
  mimalloc_verbose: () => ({ mimalloc_verbose: "1" }),
  ...(process.arch === "x64" && {
    SIMDUTF_FORCE_IMPLEMENTATION: () => ({ SIMDUTF_FORCE_IMPLEMENTATION: "x" }),
  }),
};

/** What obeys nobody today, or not in a way that one run of `--version` shows. */
const OTHER: Readonly<Record<string, Variables>> = {
  BUN_INSPECT_CONNECT_TO: (trap) => ({ BUN_INSPECT_CONNECT_TO: trap.debuggerSocket }),
  BUN_INSPECT_PRELOAD: (trap) => ({ BUN_INSPECT_PRELOAD: trap.evil }),
  NODE_OPTIONS: (trap) => ({ NODE_OPTIONS: `--require ${trap.evil}` }),
  "JSC_ without Bun's prefix": () => ({ JSC_dumpOptions: "2", JSC_logGC: "1" }),
  "names left over by the change": (trap) => ({
    UN_OPTIONS: `--preload=${trap.evil}`,
    UN_BE_BUN: "1",
    imalloc_verbose: "1",
    BU: "1",
    BUUN_JSC_logGC: "1",
  }),
  ...Object.fromEntries(
    DEAD_NAMES.flatMap(({ name }): [string, Variables][] => [
      [`${name} as a switch`, () => ({ [name]: "1" })],
      [`${name} as a file`, (trap) => ({ [name]: trap.target })],
      [`${name} as code`, (trap) => ({ [name]: trap.evil })],
    ]),
  ),
};

let trap: Trap;
let normal: Observation;

beforeAll(async () => {
  trap = await setTrap();
  normal = await observe([binaryPath()], trap, {});
});
afterAll(() => trap?.remove());

describe("the compiled program", () => {
  test("prints its version in a directory with .env, bunfig.toml, package.json and tsconfig.json", () => {
    expect(normal).toMatchObject({ ended: 0, stderr: "", written: [], connections: 0 });
    expect(normal.stdout).not.toContain("evil");
    expect(normal.stdout).not.toBe("");
  });

  test.each(Object.entries({ ...EFFECTIVE, ...OTHER }))("ignores %s", async (_, variables) => {
    expect(await observe([binaryPath()], trap, variables(trap))).toEqual(normal);
  });

  test("keeps Bun's options for itself when they are arguments", () => {
    const run = Bun.spawnSync([binaryPath(), "--version", `--preload=${trap.evil}`]);
    expect(run.stdout.toString()).not.toContain("evil");
  });
});

describe("the control, a program without hardening,", () => {
  let directory: string;
  let control: string;
  let controlNormal: Observation;

  beforeAll(async () => {
    directory = mkdtempSync("/var/tmp/jacamar-control-");
    control = join(directory, "control");
    const entry = join(directory, "entry.ts");
    writeFileSync(entry, 'import { writeSync } from "node:fs";\nwriteSync(1, "1.2.3\\n");\n');
    const options = ["--compile", "--bytecode", "--format=esm"];
    const files = ["--no-compile-autoload-dotenv", "--no-compile-autoload-bunfig"];
    const command = [
      process.execPath,
      "build",
      ...options,
      ...files,
      entry,
      `--outfile=${control}`,
    ];
    const { exitCode, stderr } = Bun.spawnSync(command, { cwd: directory });
    if (exitCode !== 0) throw new Error(stderr.toString());
    controlNormal = await observe([control], trap, {});
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test("behaves as the compiled program where nothing is set", () => {
    expect(controlNormal).toEqual({ ...normal, stdout: "1.2.3\n" });
  });

  test.each(Object.entries(EFFECTIVE))("is seen to obey %s", async (_, variables) => {
    expect(await observe([control], trap, variables(trap), 1000)).not.toEqual(controlNormal);
  });
});

const QEMU = "/usr/bin/qemu-aarch64-static";
const SYSROOT = "/usr/aarch64-linux-gnu";
const emulated = process.arch === "x64" && existsSync(QEMU) && existsSync(`${SYSROOT}/lib`);

describe.skipIf(!emulated)("the arm64 program, emulated,", () => {
  const names = [
    "BUN_BE_BUN",
    "BUN_OPTIONS --preload",
    "BUN_JSC_logGC",
    "JSC_SIGNAL_FOR_GC",
    "MIMALLOC_VERBOSE",
  ];

  test("ignores what steers Bun", async () => {
    const command = [QEMU, "-L", SYSROOT, binaryPath("arm64")];
    const plain = await observe(command, trap, {});
    expect(plain).toEqual({ ...normal, stdout: normal.stdout.replace("x64", "arm64") });
    for (const name of names)
      expect(await observe(command, trap, EFFECTIVE[name]?.(trap) ?? {})).toEqual(plain);
  }, 60_000);
});
