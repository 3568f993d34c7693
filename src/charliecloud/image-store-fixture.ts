/** For tests only: an image store on a ch-image that fails, is slow and is killed on demand. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createConsola } from "consola/core";
import { type Claim, newClaim } from "../host/claim.ts";
import { identify } from "../host/proc.ts";
import type { Verdict } from "../plan/decision.ts";
import {
  type AcquiredImage,
  type ImageRequest,
  type ImageStore,
  openImageStore,
  type ReleaseTools,
} from "./image-store.ts";

/**
 * Stands for ch-image where a real one with a real registry cannot be brought to fail, to be slow or to be killed at a
 * given moment. The real one is tested end to end, below test/. Files in $CH_IMAGE_STORAGE.fake steer it: `calls` is
 * its log, `fail` what it says before it fails (`fail-once` for one call), `late` makes it fail with the image half
 * unpacked, `slow` makes it wait before it is done.
 */
const FAKE = `#!/bin/sh
fake=$CH_IMAGE_STORAGE.fake
echo "$*" >> "$fake/calls"
name=$(printf %s "\${3:-$2}" | tr /: %+)
image=$CH_IMAGE_STORAGE/img/$name
[ "$1" = pull ] || { rm -r "$image"; exit; }
for how in fail-once fail; do
  [ -e "$fake/$how" ] || continue
  [ -e "$fake/late" ] || { cat "$fake/$how" >&2; rm -f "$fake/fail-once"; exit 1; }
done
mkdir -p "$CH_IMAGE_STORAGE/img" && echo 5 > "$CH_IMAGE_STORAGE/version"
echo "pulling image: $2"
rm -rf "$image/usr"
[ ! -e "$fake/late" ] || { cat "$fake/fail" >&2; exit 1; }
while [ -e "$fake/slow" ]; do sleep 0.05; done
mkdir -p "$image/ch" "$image/usr" && echo {} > "$image/ch/metadata.json"
`;
/** What the requests ask for unless told otherwise. */
export const NAME = "r.example/group/app:1";
export const USER = { fault: "user", from: "image:" } as const;
export const ADMIN = { fault: "admin", from: "[general.charliecloud] runner_image" } as const;

export type Policies = readonly ("always" | "if-not-present" | "never")[];

export interface StoreFixture {
  readonly dir: string;
  readonly storage: string;
  readonly tools: ReleaseTools;
  /** Lines of the job log so far, with their type: `warn: …`. */
  readonly lines: string[];
  /** Makes or replaces a file that steers ch-image. */
  steer(file: string, text?: string): void;
  unsteer(file: string): void;
  /** How ch-image was called so far. */
  calls(): string[];
  store(signal?: AbortSignal): ImageStore;
  request(policies: Policies, change?: Partial<ImageRequest>): ImageRequest;
  acquire(policies: Policies, change?: Partial<ImageRequest>): Promise<AcquiredImage>;
  release(image: AcquiredImage, token: string): Promise<void>;
  close(): void;
}

export function makeStore(): StoreFixture {
  const dir = mkdtempSync("/var/tmp/jacamar-store-");
  const storage = `${dir}/ann.ch`;
  const steering = `${storage}.fake`;
  const lines: string[] = [];
  mkdirSync(steering);
  writeFileSync(`${dir}/ch-image`, FAKE, { mode: 0o755 });
  const env = { PATH: "/usr/bin:/bin", CH_IMAGE_STORAGE: storage };
  const tools = { chImage: `${dir}/ch-image`, env };
  const reporter = {
    log: (entry: { readonly type: string; readonly args: readonly unknown[] }) =>
      void lines.push(`${entry.type}: ${entry.args.join(" ")}`),
  };
  const store = (signal = new AbortController().signal) =>
    openImageStore({
      storage,
      storageKey: "[general.charliecloud] image_storage_dir",
      uid: process.getuid?.() ?? 0,
      log: createConsola({ level: 3, reporters: [reporter] }),
      holder: "job 1 on n1",
      signal,
      now: Date.now,
    });
  const request = (policies: Policies, change: Partial<ImageRequest> = {}): ImageRequest => ({
    reference: NAME,
    registry: "r.example",
    origin: USER,
    policies: policies.map((choice) => ({ choice, from: "image: pull_policy" })),
    ...tools,
    anonymous: true,
    mountPoints: [],
    claim: claim(),
    // Later than any pull of another job: so that none is fresh enough to share.
    asked: Date.now() + 3_600_000,
    ...change,
  });
  return {
    dir,
    storage,
    tools,
    lines,
    steer: (file, text = "") => writeFileSync(`${steering}/${file}`, text),
    unsteer: (file) => rmSync(`${steering}/${file}`),
    calls: () => linesOf(`${steering}/calls`),
    store,
    request,
    acquire: async (policies, change) => taken(await store().acquire(request(policies, change))),
    release: (image, token) => store().release(image, token, tools),
    close: () => rmSync(dir, { recursive: true, force: true }),
  };
}

/** The claim of a job whose runner, this process, is alive. */
export function claim(change: Partial<Claim> = {}): Claim {
  const holder = identify(process.pid);
  return { ...newClaim({ job: "1", holder, expires: Date.now() + 60_000, notes: {} }), ...change };
}

function taken(verdict: Verdict<AcquiredImage>): AcquiredImage {
  if (!verdict.ok) throw new Error(verdict.refusal.message);
  return verdict.value;
}

function linesOf(file: string): string[] {
  return existsSync(file) ? readFileSync(file, "utf8").trimEnd().split("\n") : [];
}
