/** What the server and its scheduler say of a request: `-l` of qsub. */
import { die, NCPUS } from "./store.ts";

const NAMES = [
  "ncpus",
  "mem",
  "vmem",
  "pmem",
  "walltime",
  "cput",
  "nodes",
  "select",
  "place",
  "host",
  "mpiprocs",
  "ngpus",
  "nice",
  "software",
];
const SHORT_QUEUE_SECONDS = 600;

/** Ends where a request is refused at submission. */
export function checkResources(resources: ReadonlyMap<string, string>, queue: string): void {
  for (const [name, value] of resources) {
    if (!NAMES.includes(name)) die(187, `qsub: Unknown resource Resource_List.${name}`);
    if (name !== "select") continue;
    for (const [, part = ""] of value.matchAll(/(?:^|[:+])([a-z]\w*)=/g)) {
      if (!NAMES.includes(part)) die(187, `qsub: Unknown resource: ${part}`);
    }
  }
  if (resources.has("place") && !resources.has("select"))
    die(7, 'qsub: Cannot have "place" without "select"');
  const wanted = resources.get("walltime") ?? "";
  const seconds = durationOf(wanted);
  if (seconds === undefined)
    die(166, "qsub: Illegal attribute or resource value Resource_List.walltime");
  if (queue === "short" && seconds > SHORT_QUEUE_SECONDS)
    die(188, "qsub: Job violates queue and/or server resource limits");
}

/** Seconds of `[[HH:]MM:]SS`; none is no limit. */
export function durationOf(text: string): number | undefined {
  if (text === "") return 0;
  if (!/^\d+(:\d+){0,2}$/.test(text)) return undefined;
  return text.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
}

/** Why one node can never run it; empty when it can. Such a request is accepted all the same. */
export function whyNever(resources: ReadonlyMap<string, string>): string {
  const nodes = Number(/^(\d+)/.exec(resources.get("nodes") ?? "")?.[1] ?? 1);
  if (nodes > 1) return "Can Never Run: Not enough total nodes available";
  const select = resources.get("select") ?? "";
  const chunks = Number(/^(\d+)/.exec(select)?.[1] ?? 1);
  const each = Number(/ncpus=(\d+)/.exec(select)?.[1] ?? resources.get("ncpus") ?? 1);
  const wanted = chunks * each;
  if (wanted > NCPUS)
    return `Can Never Run: Insufficient amount of resource: ncpus (R: ${wanted} A: ${NCPUS} T: ${NCPUS})`;
  return "";
}
