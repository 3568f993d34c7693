import { rmSync, writeFileSync } from "node:fs";
import type { Place, PlaceOptions } from "../../batch/cluster.ts";
import { giveTo, type Parts, runnerOf, standinBin } from "../../batch/standin.ts";
import { startLsf } from "./cluster.ts";

export function lsfPlace(parts: Parts, options: PlaceOptions = {}): Place {
  const lsf = startLsf(["STANDIN_MINUTE=2"]);
  parts.atEnd(lsf.stop);
  giveTo(options.user, lsf.dir);
  const bin = standinBin(parts, "test/standins/lsf", options.user);
  const lines = [`scheduler_bin = "${bin}"`, `env_vars = ["LSF_ENVDIR=${lsf.dir}"]`];
  const site = parts.site("lsf", lines, options);
  const down = `${lsf.dir}/down`;
  return {
    site,
    runner: runnerOf(site),
    remove: (id) => void lsf.run(["bkill", id]),
    isOver: (id) => !lsf.unended().includes(id),
    loseAnswer: () => writeFileSync(`${lsf.dir}/lose-answer`, ""),
    outage: {
      stop: (during) => writeFileSync(down, during === "submission" ? "lim" : ""),
      start: () => rmSync(down, { force: true }),
      // bjobs waits until LSF is back.
      isNoticed: false,
    },
  };
}
