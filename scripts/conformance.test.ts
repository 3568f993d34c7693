import { afterAll, expect, test } from "bun:test";
import { binaryPath } from "../test/binary.ts";
import { startPbs } from "../test/standins/pbs/cluster.ts";

const pbs = startPbs("history");
afterAll(() => pbs.stop());

async function conformance(...words: readonly string[]) {
  const script = `${import.meta.dir}/conformance.ts`;
  const child = Bun.spawn(
    [process.execPath, script, "--executor", "pbs", "--bin", pbs.bin, ...words],
    {
      env: { ...process.env, PBS_CONF_FILE: pbs.conf, JACAMAR_BINARY: binaryPath() },
      stdout: "pipe",
      stderr: "inherit",
    },
  );
  return { text: await new Response(child.stdout).text(), status: await child.exited };
}

test("conformance runs the chosen behaviours and counts what is right", async () => {
  const { text, status } = await conformance("--arguments", "-l walltime=1:00", "--only", "quotes");
  expect(text).toContain("ok      variables with quotes and newlines arrive in the script");
  expect(text).toEndWith("1 passed, 0 failed\n");
  expect(status).toBe(0);
});

test("conformance shows what is wrong, with the job's log", async () => {
  const { text, status } = await conformance(
    "--arguments",
    "-q stopped -q nosuch",
    "--only",
    "quotes",
  );
  expect(text).toContain("FAILED  variables with quotes");
  expect(text).toContain("Unknown queue");
  expect(text).toEndWith("0 passed, 1 failed\n");
  expect(status).toBe(1);
});
