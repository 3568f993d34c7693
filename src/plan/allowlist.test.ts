import { expect, test } from "bun:test";
import { compilePattern as compile } from "../settings/patterns.ts";
import { judgeImage } from "./allowlist.ts";

const DEBIAN = { written: "debian:12", canonical: "docker.io/library/debian:12" };

test("judgeImage() allows everything when there is no allowlist", () => {
  expect(judgeImage({ reference: DEBIAN, patterns: undefined, compile })).toEqual({
    ok: true,
    value: {
      choice: "allowed",
      because: "there is no allowlist",
      from: "[general.charliecloud] image_allowlist",
    },
  });
});

test("judgeImage() matches the written and the canonical name from the start", () => {
  for (const pattern of ["debian", "debian:12$", "docker\\.io/library/", "d.*:12"]) {
    expect(judgeImage({ reference: DEBIAN, patterns: ["never", pattern], compile })).toMatchObject({
      ok: true,
      value: { because: expect.stringContaining(JSON.stringify(pattern)) },
    });
  }
  for (const pattern of ["library/debian", ":12", "ebian", "debian$", "registry"]) {
    expect(judgeImage({ reference: DEBIAN, patterns: [pattern], compile }).ok).toBe(false);
  }
});

test("judgeImage() does not let a trusted name hide in a path", () => {
  const reference = {
    written: "evil.example/registry.good/x",
    canonical: "evil.example/registry.good/x:latest",
  };

  expect(judgeImage({ reference, patterns: ["registry\\.good/"], compile }).ok).toBe(false);
});

test("judgeImage() names image, key and patterns when it refuses", () => {
  const patterns = ["a1", "a2", "a3", "a4", "a5", "a6", "a7"];

  const verdict = judgeImage({ reference: DEBIAN, patterns, compile });

  expect(verdict).toMatchObject({ ok: false, refusal: { fault: "user" } });
  const message = verdict.ok ? "" : verdict.refusal.message;
  for (const part of ["debian:12", "[general.charliecloud] image_allowlist", '"a5"', "2 more"]) {
    expect(message).toContain(part);
  }
});

test("judgeImage() allows nothing when the list is empty", () => {
  expect(judgeImage({ reference: DEBIAN, patterns: [], compile })).toMatchObject({
    ok: false,
    refusal: { fault: "user", message: expect.stringContaining("empty") },
  });
});

test("judgeImage() blames the admin for a bad pattern, even beside one that matches", () => {
  expect(judgeImage({ reference: DEBIAN, patterns: ["debian", "("], compile })).toMatchObject({
    ok: false,
    refusal: { fault: "admin", message: expect.stringContaining('"("') },
  });
});

test("judgeImage() blames the admin for an admin's image", () => {
  expect(judgeImage({ reference: DEBIAN, patterns: ["x"], compile, fault: "admin" })).toMatchObject(
    { ok: false, refusal: { fault: "admin" } },
  );
});
