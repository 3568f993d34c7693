import { afterAll, beforeAll, expect, test } from "bun:test";
import { type BadRegistry, startBadRegistry, status } from "../../test/fixtures/bad-registry.ts";
import { type FreshDirectory, freshDirectory } from "../../test/fixtures/directory.ts";
import { createLog } from "../host/log.ts";
import { pingRegistry } from "./ping.ts";

let directory: FreshDirectory;
let registry: BadRegistry;
beforeAll(async () => {
  directory = freshDirectory("registry-ping");
  registry = await startBadRegistry(directory.path);
});
afterAll(() => {
  registry?.stop();
  directory?.remove();
});

const API = { "Docker-Distribution-Api-Version": "registry/2.0" };

test.each([
  [status(200, API), { ok: true, value: { login: "none" } }],
  [
    status(401, { ...API, "WWW-Authenticate": 'Basic realm="x"' }),
    { ok: true, value: { login: "basic" } },
  ],
  [
    status(401, { "WWW-Authenticate": 'Bearer realm="https://x.example/token",service="x"' }),
    { ok: true, value: { login: "token" } },
  ],
  [status(200), { ok: false, failure: "other" }],
  [status(401), { ok: false, failure: "denied" }],
  [status(404), { ok: false, failure: "missing" }],
  [status(503), { ok: false, failure: "unreachable" }],
] as const)("%#", async (answer, expected) => {
  registry.answer("/v2/", answer);
  const options = {
    caBundle: registry.caFile,
    proxies: {},
    log: createLog({ info: 2 }),
    signal: new AbortController().signal,
    deadline: Date.now() + 20_000,
  };
  expect(await pingRegistry(registry.host, options)).toMatchObject(expected);
});
