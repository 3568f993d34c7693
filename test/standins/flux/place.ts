import { writeFileSync } from "node:fs";
import type { Place, PlaceOptions } from "../../batch/cluster.ts";
import { giveTo, type Parts, runnerOf, standinBin } from "../../batch/standin.ts";
import { startFlux } from "./cluster.ts";

export function fluxPlace(parts: Parts, options: PlaceOptions = {}): Place {
  const flux = startFlux();
  parts.atEnd(flux.stop);
  giveTo(options.user, flux.dir);
  const bin = standinBin(parts, "test/standins/flux/bin", options.user);
  const variables = [`FLUX_URI=${flux.uri}`, `PATH=$PATH:${bin}`];
  const lines = [`scheduler_bin = "${bin}"`, `env_vars = ${JSON.stringify(variables)}`];
  const site = parts.site("flux", lines, options);
  return {
    site,
    runner: runnerOf(site),
    remove: (id) => void flux.run("cancel", id),
    isOver: (id) => !flux.run("jobs", "-no", "{id}").split("\n").includes(id),
    loseAnswer: () => writeFileSync(`${flux.dir}/lose-answer`, ""),
    outage: { stop: flux.down, start: flux.up, isNoticed: true },
  };
}
