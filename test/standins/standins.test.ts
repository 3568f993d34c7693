import { afterAll, beforeAll, describe } from "bun:test";
import type { Cluster } from "../batch/cluster.ts";
import { type Parts, startParts } from "../batch/standin.ts";
import { testCluster, WITHOUT_ROOT } from "../batch/suite.ts";
import { fluxPlace } from "./flux/place.ts";
import { lsfPlace } from "./lsf/place.ts";
import { pbsPlace } from "./pbs/place.ts";

let parts: Parts;
beforeAll(async () => {
  parts = await startParts("standins");
});
afterAll(() => parts?.close());

for (const [scheduler, place] of [
  ["flux", fluxPlace],
  ["pbs", pbsPlace],
  ["lsf", lsfPlace],
] as const) {
  const cluster = (): Cluster => ({
    scheduler,
    words: "",
    manyJobs: 10,
    image: parts.image,
    user: parts.user,
    place: (options) => place(parts, options),
  });
  describe(`stand-in for ${scheduler}:`, () => {
    testCluster(cluster, { without: WITHOUT_ROOT, hasPlaces: true });
  });
}
