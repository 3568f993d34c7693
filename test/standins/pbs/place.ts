import type { Place, PlaceOptions } from "../../batch/cluster.ts";
import { giveTo, type Parts, runnerOf, standinBin } from "../../batch/standin.ts";
import { startPbs } from "./cluster.ts";

/** With job history; what PBS does without is in pbs-jobs.test.ts. */
export function pbsPlace(parts: Parts, options: PlaceOptions = {}): Place {
  const pbs = startPbs("history");
  parts.atEnd(pbs.stop);
  giveTo(options.user, pbs.dir);
  const bin = standinBin(parts, "test/standins/pbs/bin", options.user);
  const lines = [`scheduler_bin = "${bin}"`, `env_vars = ["PBS_CONF_FILE=${pbs.conf}"]`];
  const site = parts.site("pbs", lines, options);
  return {
    site,
    runner: runnerOf(site),
    remove: (id) => void pbs.run(["qdel", id]),
    isOver: (id) => !pbs.queue().split("\n").includes(id),
    loseAnswer: () => pbs.on("qsub-dies"),
    outage: { stop: () => pbs.on("down"), start: () => pbs.off("down"), isNoticed: true },
  };
}
