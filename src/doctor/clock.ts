import { mkdtempSync, rmdirSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import type { Context } from "./context.ts";
import { type Finding, fail, ok, type Probe, warn } from "./finding.ts";
import { mustNotTry } from "./place-facts.ts";
import { dataDirectory } from "./places.ts";

/** Seconds that NFS and coarse time stamps explain. */
const UNNOTICED_SECONDS = 2;
/** MUNGE, and so Slurm, refuses credentials that are older. */
const MUNGE_SECONDS = 300;

/** Seconds by which the file server of a directory is ahead of this host; undefined where nothing can be written. */
function skewOf(directory: string): number | undefined {
  for (let path = directory; path !== ""; path = path.slice(0, path.lastIndexOf("/"))) {
    if (!statSync(path, { throwIfNoEntry: false })) continue;
    if (mustNotTry(path) !== undefined) return undefined;
    let place: string;
    try {
      place = mkdtempSync(`${path}/.jacamar-doctor-`);
    } catch {
      return undefined;
    }
    const file = `${place}/clock`;
    const before = Date.now();
    writeFileSync(file, "x");
    const time = statSync(file).mtimeMs;
    const after = Date.now();
    unlinkSync(file);
    rmdirSync(place);
    if (time >= before && time <= after) return 0;
    return (time < before ? time - before : time - after) / 1000;
  }
  return undefined;
}

export function judgeClock(skew: number | undefined): Finding {
  if (skew === undefined) return ok("not compared: nothing can be written to data_dir, see above");
  const seconds = Math.abs(skew);
  if (seconds <= UNNOTICED_SECONDS) return ok("this host and the file server of data_dir agree");
  const seen = `the file server of data_dir is ${seconds.toFixed(0)} s ${skew > 0 ? "ahead of" : "behind"} this host`;
  const fix = "synchronise both clocks (chronyc tracking, timedatectl)";
  return seconds > MUNGE_SECONDS
    ? fail(seen, "make builds too much or too little, and MUNGE refuses to submit batch jobs", fix)
    : warn(seen, "make and caches that go by time build too much or too little", fix);
}

export const clockProbe: Probe = {
  id: "clock",
  title: "clock",
  run: async (context: Context) => {
    const place = dataDirectory(context);
    return judgeClock(place.ok ? skewOf(place.value.choice) : undefined);
  },
};
