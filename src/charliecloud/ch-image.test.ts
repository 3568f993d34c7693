import { expect, test } from "bun:test";
import { classifyPull, type PullFailure, pullArgv } from "./ch-image.ts";

/** What ch-image 0.31, 0.38 and 0.45 really said, shortened. */
const SAID: readonly (readonly [PullFailure, string])[] = [
  [
    "busy",
    "error: storage directory is already in use\nhint: concurrent instances of ch-image cannot",
  ],
  [
    "denied",
    "manifest list: downloading\nerror: unauthorized or not in registry: r.example/a:1\nhint: if your registry needs authentication, use --auth",
  ],
  ["denied", "error: no further authentication possible, giving up"],
  ["denied", "Traceback (most recent call last):\n  username = input()\nEOFError"],
  ["denied", "error: no credentials in environment and EOF when prompting"],
  ["denied", "error: GET failed; expected status {200, 401, 404, 429} but got 403: Forbidden"],
  [
    "unreachable",
    "error: GET failed: HTTPSConnectionPool(host='r.example', port=443): Max retries exceeded (Caused by NewConnectionError('[Errno 111] Connection refused'))",
  ],
  [
    "unreachable",
    "error: GET failed: HTTPSConnectionPool(host='r.example', port=443): NameResolutionError(Temporary failure in name resolution)",
  ],
  ["unreachable", "error: GET failed; expected status {200, 401} but got 503: Service Unavailable"],
  ["unreachable", "error: GET failed; expected status {200, 401} but got 500: code 404 inside"],
  ["unreachable", "error: registry rate limit exceeded (HTTP 429)\nhint: consider --auth"],
  [
    "untrusted",
    "error: GET failed: HTTPSConnectionPool(host='r.example', port=443): (Caused by SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] unable to get local issuer certificate')))",
  ],
  [
    "no-tls",
    "error: GET failed: HTTPSConnectionPool(host='r.example', port=80): (Caused by SSLError(SSLError(1, '[SSL: WRONG_VERSION_NUMBER] wrong version number')))",
  ],
  ["no-space", "error: can't write: /s/dlcache/abc.tar.gz: No space left on device"],
  ["no-space", "error: can’t extract layer 1: Disk quota exceeded"],
  ["unsuitable", "error: requested arch unavailable: amd64\nhint: available: arm64/v8"],
  ["unsuitable", "error: image is architecture-unaware\nhint: consider --arch=yolo"],
  ["unsuitable", "error: cannot open: /s/dlcache/a.tar.gz: file could not be opened successfully"],
  [
    "no-space",
    "warning: image is architecture-unaware\nerror: can't extract layer 1: No space left on device",
  ],
  [
    "other",
    "error: storage directory seems invalid: /var/tmp/ann.ch\nhint: let Charliecloud create",
  ],
  ["other", "ModuleNotFoundError: No module named 'lark'"],
  ["other", ""],
];

test("classifyPull() tells failures apart by who can do something about them", () => {
  for (const [wanted, said] of SAID) expect([said, classifyPull(said)]).toEqual([said, wanted]);
});

test("pullArgv() names the copy that is to be made only where it has another name", () => {
  expect(pullArgv("/usr/bin/ch-image", "a:1", undefined)).toEqual([
    "/usr/bin/ch-image",
    "pull",
    "a:1",
  ]);
  expect(pullArgv("ch-image", "a:1", "a:1")).toEqual(["ch-image", "pull", "a:1"]);
  expect(pullArgv("ch-image", "a:1", "_jacamar-1/a:1")).toEqual([
    "ch-image",
    "pull",
    "a:1",
    "_jacamar-1/a:1",
  ]);
});
