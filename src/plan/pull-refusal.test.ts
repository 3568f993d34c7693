import { expect, test } from "bun:test";
import { explainPull, type PulledImage, type PullProblem } from "./pull-refusal.ts";

const IMAGE: PulledImage = {
  reference: "r.example/app:1",
  registry: "r.example",
  origin: { fault: "user", from: "image:" },
  anonymous: true,
  placeKey: "[general.charliecloud.cache] dir",
};

test("each failure is laid to the one who can mend it, with the key or variable to change", () => {
  const cases: readonly (readonly [PullProblem, string, string, RegExp])[] = [
    ["denied", "user", "image:", /without an account: set .*CH_IMAGE_USERNAME/],
    ["unsuitable", "user", "image:", /cannot use r\.example\/app:1: it said so/],
    ["unreachable", "system", "registry", /r\.example does not answer/],
    ["untrusted", "admin", "registry", /REQUESTS_CA_BUNDLE/],
    ["no-tls", "admin", "registry", /wanted: a registry with TLS/],
    ["no-space", "system", IMAGE.placeKey, /cannot store/],
    ["cancelled", "system", "signal", /was cancelled/],
    ["other", "system", "registry", /cannot pull r\.example\/app:1: it said so/],
  ];
  for (const [problem, fault, from, message] of cases) {
    const refusal = explainPull(problem, "it said so", IMAGE);
    expect([problem, refusal.fault, refusal.from]).toEqual([problem, fault, from]);
    expect(refusal.message).toMatch(message);
  }
});

test("a denied image names both possibilities, and the account where there was one", () => {
  const { message } = explainPull("denied", "401", { ...IMAGE, anonymous: false });
  expect(message).toMatch(/no such image: check its name and tag; or this account may not pull it/);
  const origin = { fault: "admin", from: "[general.charliecloud] runner_image" } as const;
  const ofSite = explainPull("denied", "401", { ...IMAGE, origin });
  expect([ofSite.fault, ofSite.from]).toEqual([origin.fault, origin.from]);
  expect(ofSite.message).toContain("must be open to every job");
});
