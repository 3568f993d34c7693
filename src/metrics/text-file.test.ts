import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import parse from "parse-prometheus-text-format";
import { withLock } from "../host/lock.ts";
import { identify } from "../host/proc.ts";
import type { News } from "./figures.ts";
import { tellTextFile } from "./text-file.ts";

let dir = "";
beforeAll(() => {
  dir = mkdtempSync("/var/tmp/jacamar-metrics-");
});
afterAll(() => rmSync(dir, { recursive: true }));

const ended = (token: string): News => ({
  version: 1,
  token,
  kind: "ended",
  figures: { executor: "shell", outcome: "success", seconds: [], images: [], evictions: [] },
});

function successes(file: string): number {
  const families = parse(readFileSync(file, "utf8"));
  const attempts = families.find(({ name }) => name === "jacamar_attempts_total");
  return Number(attempts?.metrics[0]?.value);
}

/** Another process that tells its news, and says when it begins. */
function teller(file: string, tokens: readonly string[]) {
  const program = `
    import { tellTextFile } from ${JSON.stringify(`${import.meta.dir}/text-file.ts`)};
    console.log("begins");
    for (const token of ${JSON.stringify(tokens)})
      await tellTextFile(${JSON.stringify(file)}, { ...${JSON.stringify(ended("x"))}, token });
  `;
  return Bun.spawn([process.execPath, "-e", program], { stdout: "pipe", stderr: "inherit" });
}

test("news of many processes at once all count, once", async () => {
  const file = `${dir}/many.prom`;
  const tokens = (of: number) => Array.from({ length: 10 }, (_, at) => `p${of}-${at}`);
  const children = [0, 1, 2, 3].map((of) => teller(file, tokens(of)));
  expect(await Promise.all(children.map(({ exited }) => exited))).toEqual([0, 0, 0, 0]);
  expect(successes(file)).toBe(40);
  expect(readdirSync(`${file}.d`).sort()).toEqual(["lock", "totals.json"]);
});

test("a process that is killed at any moment leaves a valid file, and nothing that it told is lost", async () => {
  const file = `${dir}/killed.prom`;
  const told = Array.from({ length: 200 }, (_, at) => `t${at}`);
  for (let round = 0; round < 6; round++) {
    const child = teller(file, told);
    await child.stdout.getReader().read();
    await Bun.sleep(round * 7);
    child.kill("SIGKILL");
    await child.exited;
    if (existsSync(file)) expect(successes(file)).toBeGreaterThan(0);
  }
  await teller(file, told).exited;
  expect(successes(file)).toBe(told.length);
});

test("a hook that finds the lock busy goes on; the next one counts for it", async () => {
  const file = `${dir}/busy.prom`;
  await tellTextFile(file, ended("a"));
  const signal = new AbortController().signal;
  await withLock(`${file}.d/lock`, { holder: "", onWait: () => {}, signal }, async () => {
    await tellTextFile(file, ended("b"), 1);
  });
  expect(successes(file)).toBe(1);
  await tellTextFile(file, ended("c"));
  expect(successes(file)).toBe(3);
});

test("attempts run until they end, or their runner does", async () => {
  const file = `${dir}/running.prom`;
  const expires = Date.now() + 60_000;
  const start = async (token: string, holder: ReturnType<typeof identify>) => {
    const attempt = { executor: "shell", holder, expires } as const;
    await tellTextFile(file, { version: 1, token, kind: "started", attempt });
  };
  const running = () => /^jacamar_running_jobs\{.*\} (\d+)$/m.exec(readFileSync(file, "utf8"))?.[1];
  const child = Bun.spawn(["sleep", "60"]);
  await start("a", identify(process.pid));
  await start("b", identify(child.pid));
  expect(running()).toBe("2");
  child.kill();
  await child.exited;
  await start("c", identify(process.pid));
  expect(running()).toBe("2");
  await tellTextFile(file, ended("a"));
  expect(running()).toBe("1");
});

test("the file of another host is left alone", async () => {
  const file = `${dir}/other.prom`;
  await tellTextFile(file, ended("a"));
  const totals = `${file}.d/totals.json`;
  const text = readFileSync(totals, "utf8").replace(`"${hostname()}"`, '"elsewhere"');
  writeFileSync(totals, text);
  expect(tellTextFile(file, ended("b"))).rejects.toThrow("of host elsewhere");
  expect(readFileSync(totals, "utf8")).toBe(text);
});
