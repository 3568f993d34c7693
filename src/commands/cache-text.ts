import type { Removed } from "../cache/evict.ts";
import type { RemovedEntry, Usage, Verified } from "../cache/maintain.ts";
import type { ListedEntry } from "../cache/scan.ts";
import { sizeText } from "../cache/space.ts";

const DIGITS = 12;
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `jacamar cache ls` for people: most recently used first. */
export function entriesText(entries: readonly ListedEntry[], now: number): string {
  if (entries.length === 0) return "no images";
  const rows = [...entries]
    .sort((a, b) => b.used - a.used)
    .map(({ key, entry, size, used, jobs }) => [
      entry?.reference ?? "(damaged)",
      key.digest.slice("sha256:".length, "sha256:".length + DIGITS),
      key.arch,
      key.kind,
      sizeText(size),
      `${ageText(now - used)} ago`,
      jobs.length === 0 ? "-" : jobs.join(" "),
    ]);
  return table([["IMAGE", "DIGEST", "ARCH", "KIND", "SIZE", "USED", "JOBS"], ...rows]);
}

/** `jacamar cache du` for people. */
export function usageText(usage: Usage): string {
  const { entries, layers, unfinished, trash, free, limits } = usage;
  const row = (name: string, { count, bytes }: Usage["entries"]) => [
    name,
    String(count),
    sizeText(bytes),
  ];
  const total = entries.bytes + layers.bytes;
  return table([
    ["WHAT", "COUNT", "SIZE"],
    row("images", entries),
    row("layers", layers),
    row("unfinished", unfinished),
    row("trash", trash),
    ["total", "", sizeText(total + unfinished.bytes + trash.bytes)],
    ["max_size", "", limits.maxSize === undefined ? "-" : sizeText(limits.maxSize)],
    ["free on disk", "", sizeText(free)],
    ["min_free", "", limits.minFree === undefined ? "-" : sizeText(limits.minFree)],
  ]);
}

/** `jacamar cache gc` for people. */
export function removedText(removed: readonly Removed[]): string {
  const rows = removed.map(({ kind, name, size, because }) => [
    kind,
    name,
    sizeText(size),
    because,
  ]);
  const bytes = removed.reduce((total, { size }) => total + size, 0);
  const sum = `removed ${removed.length}, ${sizeText(bytes)}`;
  return rows.length === 0
    ? sum
    : `${table([["WHAT", "NAME", "SIZE", "BECAUSE"], ...rows])}\n${sum}`;
}

/** `jacamar cache verify` for people: what is damaged, and how much was read. */
export function verifiedText(results: readonly Verified[]): string {
  const bad = results.filter(({ problem }) => problem !== undefined);
  const lines = bad.map(
    ({ kind, name, reference, problem, outcome }) =>
      `${kind} ${name}${reference === undefined ? "" : ` (${reference})`}: ${problem}: ${outcome}`,
  );
  return [...lines, `checked ${results.length}, ${bad.length} damaged`].join("\n");
}

/** `jacamar cache rm` for people. */
export function goneText(entries: readonly RemovedEntry[], selector: string): string {
  if (entries.length === 0) return `no image ${selector}`;
  return entries
    .map(({ name, reference, size, jobs }) => {
      const what = `${reference ?? "(damaged)"} (${name})`;
      return jobs.length === 0
        ? `removed ${what}, ${sizeText(size)}`
        : `kept ${what}: in use by job ${jobs.join(", ")}`;
    })
    .join("\n");
}

/** How long ago, roughly: `5 min`, `3 h`, `12 d`. */
export function ageText(milliseconds: number): string {
  const age = Math.max(0, milliseconds);
  if (age < MINUTE) return `${Math.floor(age / SECOND)} s`;
  if (age < HOUR) return `${Math.floor(age / MINUTE)} min`;
  return age < 2 * DAY ? `${Math.floor(age / HOUR)} h` : `${Math.floor(age / DAY)} d`;
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? "").length)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
