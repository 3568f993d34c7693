import { beforeEach, expect, test } from "bun:test";
import type { KnownReference } from "../cache/refs.ts";
import { PUBLIC } from "../cache/refs.ts";
import { createLog } from "../host/log.ts";
import type { SourceChoice } from "../plan/mirror.ts";
import type { Answered, RegistryFailure } from "../registry/types.ts";
import type { ImageOrder } from "./order.ts";
import { resolveDigest } from "./resolve.ts";

// The registry and the cache are given as values: what is tested is what follows from them.

const OLD = `sha256:${"0".repeat(64)}`;
const NEW = `sha256:${"1".repeat(64)}`;
const ASKED: SourceChoice = {
  choice: "registry",
  because: "the site has no mirrors",
  from: "mirror",
  registry: "r.example",
};

let questions = 0;
let remembered: string[] = [];
beforeEach(() => {
  questions = 0;
  remembered = [];
});

interface Scene {
  readonly policies?: readonly ("always" | "if-not-present" | "never")[];
  readonly known?: KnownReference;
  /** Whether the cache has the image of the known digest. */
  readonly has?: boolean;
  readonly answer?: RegistryFailure;
  readonly grant?: string;
  readonly asked?: SourceChoice;
}

async function resolve(scene: Scene) {
  const { policies = ["always"], known, has = true, answer, grant = "project 1" } = scene;
  const order: ImageOrder = {
    reference: "r.example/app:1",
    origin: { fault: "user", from: "image:" },
    policies: policies.map((choice) => ({ choice, because: "", from: "image: pull_policy" })),
    asked: scene.asked ?? ASKED,
    target: { registry: "r.example", repository: "app", reference: "1" },
    architecture: "amd64",
    kind: "sqfs",
    mountPoints: [],
    grant,
    anonymous: false,
    puller: "builtin",
  };
  const tools = {
    recall: () => known,
    remember: (digest: string) => remembered.push(digest),
    has: async () => has,
  };
  const registry = {
    resolve: async (): Promise<Answered<{ digest: string; mediaType: string }>> => {
      questions++;
      return answer === undefined
        ? { ok: true, value: { digest: NEW, mediaType: "x" } }
        : { ok: false, failure: answer, said: "it said so" };
    },
  };
  const log = createLog({ info: 2 });
  log.level = -1;
  const verdict = await resolveDigest(order, tools, registry, log);
  return verdict.ok ? verdict.value.digest : verdict.refusal;
}

const known = (...grants: string[]): KnownReference => ({ digest: OLD, at: Date.now(), grants });

test("always asks, and remembers the answer", async () => {
  expect(await resolve({ known: known("project 1") })).toBe(NEW);
  expect([questions, remembered]).toEqual([1, [NEW]]);
});

test("if-not-present takes what the project was granted before, without asking", async () => {
  const policies = ["if-not-present"] as const;
  for (const grants of [["project 1"], [PUBLIC], ["project 2", "project 1"]])
    expect(await resolve({ policies, known: known(...grants) })).toBe(OLD);
  expect(questions).toBe(0);
});

test("what was granted to another project, or has gone from the cache, is asked for", async () => {
  const policies = ["if-not-present"] as const;
  expect(await resolve({ policies, known: known("project 2") })).toBe(NEW);
  expect(await resolve({ policies, known: known("project 1"), has: false })).toBe(NEW);
  expect(await resolve({ policies })).toBe(NEW);
  expect(questions).toBe(3);
});

test("never does not ask, whatever happens", async () => {
  const policies = ["never"] as const;
  expect(await resolve({ policies, known: known("project 1") })).toBe(OLD);
  for (const scene of [
    {},
    { known: known("project 2") },
    { known: known("project 1"), has: false },
  ])
    expect(await resolve({ policies, ...scene })).toMatchObject({ fault: "user" });
  expect(questions).toBe(0);
});

test("a list falls back to the last known digest when the registry does not answer, and asks it once", async () => {
  const policies = ["always", "if-not-present"] as const;
  for (const answer of ["unreachable", "limited", "other", "untrusted"] as const)
    expect(await resolve({ policies, answer, known: known("project 1") })).toBe(OLD);
  questions = 0;
  expect(await resolve({ policies, answer: "unreachable" })).toMatchObject({ fault: "system" });
  expect(questions).toBe(1);
});

test("an image that the registry does not grant is refused, also when the cache has it", async () => {
  const policies = ["always", "if-not-present", "never"] as const;
  for (const answer of ["denied", "missing"] as const) {
    const refusal = await resolve({ policies, answer, known: known("project 1", PUBLIC) });
    expect(refusal).toMatchObject({ fault: "user", from: "image:" });
  }
});

test("offline, the last known digest serves every policy, and nothing is asked", async () => {
  const asked = {
    ...ASKED,
    choice: "none",
    because: "this site is offline",
    from: "offline",
  } as const;
  expect(await resolve({ asked, known: known("project 1") })).toBe(OLD);
  expect(await resolve({ asked, known: known("project 2") })).toMatchObject({
    fault: "admin",
    from: "offline",
  });
  expect(questions).toBe(0);
});
