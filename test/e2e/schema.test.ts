import { expect, test } from "bun:test";
import { configurationSchema } from "../../src/settings/json-schema.ts";
import { binaryPath } from "../binary.ts";

test("schema prints the schema as JSON, and nothing else", () => {
  const { stdout, stderr, exitCode } = Bun.spawnSync([binaryPath(), "schema"], {
    env: { PATH: "/usr/bin:/bin" },
  });
  expect([exitCode, stderr.toString()]).toEqual([0, ""]);
  expect(JSON.parse(stdout.toString())).toEqual(JSON.parse(JSON.stringify(configurationSchema())));
});
