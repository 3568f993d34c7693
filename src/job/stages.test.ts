import { expect, test } from "bun:test";
import { isArtifactStage, KNOWN_STAGES, stageKind } from "./stages.ts";

test("stageKind() agrees with the list of known stages", () => {
  for (const { name, kind } of KNOWN_STAGES) {
    expect(stageKind(name)).toBe(kind);
  }
});

test("KNOWN_STAGES names every stage once", () => {
  const names = KNOWN_STAGES.map(({ name }) => name);

  expect(new Set(names).size).toBe(names.length);
  expect(names.indexOf("get_sources")).toBeLessThan(names.indexOf("build_script"));
  expect(names.indexOf("build_script")).toBeLessThan(names.indexOf("after_script"));
});

test("stageKind() treats any step_* as a user step", () => {
  expect(stageKind("step_release")).toBe("step");
  expect(stageKind("step_accessibility")).toBe("step");
});

test("stageKind() treats an unknown or empty stage as a helper", () => {
  expect(stageKind("warp_drive")).toBe("helper");
  expect(stageKind("")).toBe("helper");
  expect(stageKind("BUILD_SCRIPT")).toBe("helper");
  expect(stageKind("prestep_script")).toBe("helper");
});

test("isArtifactStage() knows downloads and both uploads, not caches", () => {
  const found = KNOWN_STAGES.map(({ name }) => name).filter(isArtifactStage);

  expect(found).toEqual([
    "download_artifacts",
    "upload_artifacts_on_success",
    "upload_artifacts_on_failure",
  ]);
});
