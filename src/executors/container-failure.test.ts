import { expect, test } from "bun:test";
import { explainFailure, explainUserFailure } from "./container-failure.ts";

const USERS = { choice: "r.example/app:1", because: "the job names it", from: "image:" };
const SITES = { choice: "site/helper", because: "", from: "[general.charliecloud] runner_image" };

test("an image that cannot run a shell is the fault of who chose it", () => {
  for (const said of [
    "ch-run[7]: error: can't execve(2): /bin/sh: No such file or directory (ch_core.c:320 2)",
    "ch-run[7]: error: can't exec: /bin/sh: No such file or directory (core.c:549 2 ENOENT)",
    "ch-run[7]: error: can’t execve(2): /bin/sh: Exec format error (ch_core.c:320 8)",
  ]) {
    expect(explainFailure(USERS, said)).toMatchObject({
      fault: "user",
      from: "image:",
      message: expect.stringContaining("image r.example/app:1 cannot run /bin/sh"),
    });
    expect(explainFailure(SITES, said)).toMatchObject({ fault: "admin", from: SITES.from });
  }
});

test("what the host lacks is the administrator's, with what to look at", () => {
  for (const [said, hint] of [
    [
      "error: can't init user+mount namespaces: Operation not permitted (ch_core.c:445 1)",
      "ch-checkns",
    ],
    [
      "error: can't init user+mount namespaces: No space left on device (ch_core.c 28)",
      "max_user_namespaces",
    ],
    ["error: cannot mount tmpfs for overlay: No such file or directory", "/srv on this host"],
    ["error: can't overlay: /srv/merged, lowerdir=/x: Operation not permitted", "5.11"],
    ["error: can't bind: source not found: /home/ann/.jacamar-ci/builds", "through a link"],
    ["error: can't stat: r.example/app:1: No such file or directory", "can't stat"],
    ["ch-run was ended by SIGKILL", "SIGKILL"],
  ] as const) {
    for (const image of [USERS, SITES]) {
      const refusal = explainFailure(image, said);
      expect(refusal.fault).toBe("admin");
      expect(refusal.message).toStartWith(`cannot start a container of ${image.choice}: ${said}`);
      expect(refusal.message).toContain(hint);
    }
  }
});

test("what goes wrong with the job's own options only is the user's", () => {
  expect(explainUserFailure(SITES, "error: unrecognized option '--bogus'")).toEqual({
    fault: "user",
    from: "JACAMAR_CI_CHARLIECLOUD_ARGS",
    message:
      "cannot start a container of site/helper with the job's own options (JACAMAR_CI_CHARLIECLOUD_ARGS or volumes): error: unrecognized option '--bogus'",
  });
});
