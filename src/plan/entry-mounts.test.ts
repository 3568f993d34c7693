import { expect, test } from "bun:test";
import { type MountWish, planEntryMounts } from "./entry-mounts.ts";

const JOB = ["/data/builds/p/000", "/data/cache/p", "/data/scripts/p/000"];

function mountsOf(targets: readonly string[], roots: readonly string[] = ["/data"]) {
  const wish = (target: string): MountWish => ({ source: `/host${target}`, target });
  return planEntryMounts({
    wishes: targets.map(wish),
    roots,
    skeletons: "/data/scripts/p/000/mounts",
    rootWish: (target) => ({ source: target, target }),
  });
}

test("the image gets the root that all jobs share, the job's own directory the rest", () => {
  const { anchors, below, inImage } = mountsOf(JOB);
  expect(anchors).toEqual([{ source: "/data/scripts/p/000/mounts/0", target: "/data" }]);
  expect(below.map(({ path }) => path)).toEqual([
    "/data/scripts/p/000/mounts/0/builds/p/000",
    "/data/scripts/p/000/mounts/0/cache/p",
    "/data/scripts/p/000/mounts/0/scripts/p/000",
  ]);
  expect(inImage).toEqual([{ source: "/data", target: "/data" }]);
});

test("two jobs of one site need the same entry", () => {
  const other = JOB.map((path) => path.replace("000", "017").replace("/p", "/q"));
  expect(mountsOf(other).inImage).toEqual(mountsOf(JOB).inImage);
});

test("another target is the image's affair, one below an earlier bind is there already", () => {
  const { below, inImage } = mountsOf([...JOB, "/opt/tools", "/opt/tools/lib", "/data/extra/x"]);
  expect(inImage.map(({ target }) => target)).toEqual(["/data", "/opt/tools"]);
  expect(below.at(-1)).toEqual({
    path: "/data/scripts/p/000/mounts/0/extra/x",
    source: "/host/data/extra/x",
  });
});

test("what ch-run mounts from the host needs nothing", () => {
  const inTmp = JOB.map((path) => `/tmp${path}`);
  expect(mountsOf([...inTmp, "/dev/shm/x"], ["/tmp/data"])).toEqual({
    anchors: [],
    below: [],
    inImage: [],
  });
});

test("a root inside another one, or twice, has no anchor of its own", () => {
  const { anchors } = mountsOf(JOB, ["/data", "/data/builds", "/data", "/scratch/me"]);
  expect(anchors.map(({ target }) => target)).toEqual(["/data", "/scratch/me"]);
});

test("a bind at the root itself covers the anchor", () => {
  expect(mountsOf(["/data"])).toEqual({
    anchors: [{ source: "/data/scripts/p/000/mounts/0", target: "/data" }],
    below: [],
    inImage: [{ source: "/data", target: "/data" }],
  });
});
