import { expect, test } from "bun:test";
import { type Payload, parsePayload } from "./payload.ts";

function payload(text: string): Payload {
  const reading = parsePayload(text);
  if (!reading.ok) {
    throw new Error(reading.message);
  }
  return reading.payload;
}

test("parsePayload() fills every gap of an empty object", () => {
  expect(payload("{}")).toEqual({
    id: undefined,
    token: "",
    name: undefined,
    projectId: undefined,
    projectName: undefined,
    timeout: undefined,
    image: { name: "", pullPolicy: [], entrypoint: undefined },
    variables: [],
    credentials: [],
    steps: [],
    dependencies: [],
    secretNames: [],
    traceSections: false,
    hasArtifacts: false,
    hasCache: false,
  });
});

test("parsePayload() keeps ids beyond 2^53 digit by digit", () => {
  expect(payload('{"id":9223372036854775807}').id).toBe("9223372036854775807");
  expect(payload('{"id":9007199254740993}').id).toBe("9007199254740993");
  expect(payload('{"job_info":{"project_id":9007199254740993}}').projectId).toBe(
    "9007199254740993",
  );
  expect(payload('{"id":4211}').id).toBe("4211");
});

test("parsePayload() drops an id that is no whole number", () => {
  for (const id of ["-4", "1.5", "1e300", "null", "true", '"../x"', "[1]"]) {
    expect(payload(`{"id":${id}}`).id).toBeUndefined();
  }
});

test("parsePayload() takes null and wrong types as empty", () => {
  const wrong = ["null", "7", '"x"', "true", "[null,3,[]]", '{"a":1}'];
  const keys = ["job_info", "runner_info", "image", "variables", "credentials", "dependencies"];
  for (const value of wrong) {
    for (const key of [...keys, "artifacts", "cache", "secrets"]) {
      expect(parsePayload(`{"${key}":${value}}`).ok).toBe(true);
    }
  }
  expect(payload('{"artifacts":[null],"cache":[null]}')).toMatchObject({
    traceSections: false,
    hasArtifacts: false,
    hasCache: false,
  });
});

test("parsePayload() accepts `inputs` and `run` in any shape", () => {
  expect(parsePayload('{"inputs":{},"run":""}').ok).toBe(true);
  expect(parsePayload('{"inputs":[{"key":"a"}],"run":[{"name":"x"}]}').ok).toBe(true);
});

test("parsePayload() counts a cache only when it has something to store", () => {
  expect(payload('{"cache":[{"key":"x","paths":null,"untracked":false}]}').hasCache).toBe(false);
  expect(payload('{"cache":[{"key":"x","paths":[".deps/"]}]}').hasCache).toBe(true);
  expect(payload('{"cache":[{"key":"x","untracked":true}]}').hasCache).toBe(true);
});

test("parsePayload() refuses anything but one object and repeats nothing of it", () => {
  const texts = ['{"token":"glcbt-S3CRET"', "glcbt-S3CRET", "", "null", '["glcbt-S3CRET"]', "3"];
  for (const text of texts) {
    const reading = parsePayload(text);
    expect(reading.ok).toBe(false);
    if (!reading.ok) {
      expect(reading.message).toContain("JOB_RESPONSE_FILE");
      expect(reading.message).not.toContain("S3CRET");
      expect(reading.message).not.toContain("\n");
    }
  }
});

test("parsePayload() survives absurd nesting", () => {
  const depth = 200_000;

  expect(parsePayload(`${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`).ok).toBeBoolean();
});

test("parsePayload() is not fooled by names of Object.prototype", () => {
  const text = '{"__proto__":{"token":"x"},"constructor":1,"secrets":{"__proto__":{}}}';

  expect(payload(text)).toMatchObject({ token: "", secretNames: ["__proto__"] });
});
