import { shorten } from "../settings/problem.ts";
import type { Evidence, Regret } from "./finding.ts";
import { type Branches, type Item, readPattern } from "./pattern.ts";
import { textsAt } from "./written.ts";

const TABLE = "general.charliecloud";
const KEY = "image_allowlist";

const LONGEST_SHOWN = 120;

/** `compilePattern` of the settings, as far as it is needed here. */
export type Compile = (pattern: string) => { readonly ok: boolean };

/** Patterns that no image name can match. */
export function findNeverMatching(evidence: Pick<Evidence, "tables">, compile: Compile): Regret[] {
  const patterns = textsAt(evidence.tables, TABLE, KEY);
  // How the documentation says "no image at all".
  if (patterns.length === 1 && patterns[0]?.[1] === ".^") return [];
  return regrets(patterns, compile, (pattern) => {
    const reason = whyNever(readPattern(pattern));
    return reason === undefined ? undefined : `never matches an image name: ${reason}`;
  });
}

/** Patterns with a host whose dots match any character. */
export function findUnescapedDots(evidence: Pick<Evidence, "tables">, compile: Compile): Regret[] {
  return regrets(textsAt(evidence.tables, TABLE, KEY), compile, (pattern) => {
    const dots = hostDots(readPattern(pattern));
    if (dots.length === 0) return undefined;
    const wanted = [...pattern].map((char, at) => (dots.includes(at) ? `\\${char}` : char));
    return `a dot in the host matches any character, so other hosts fit as well; wanted '${shorten(wanted.join(""), LONGEST_SHOWN)}'`;
  });
}

/** Patterns that are a host alone, which is also the beginning of other hosts. */
export function findOpenHosts(evidence: Pick<Evidence, "tables">, compile: Compile): Regret[] {
  return regrets(textsAt(evidence.tables, TABLE, KEY), compile, (pattern) => {
    const host = readPattern(pattern).map(plainText).find(isHost);
    if (host === undefined) return undefined;
    return `the end of a pattern is free, so that a host such as ${host}.example.net fits as well; wanted a slash behind the host`;
  });
}

function regrets(
  patterns: readonly [number, string][],
  compile: Compile,
  complaint: (pattern: string) => string | undefined,
): Regret[] {
  return patterns.flatMap(([index, pattern]) => {
    // What RE2 refuses is reported as an error.
    const message = compile(pattern).ok ? complaint(pattern) : undefined;
    return message === undefined ? [] : [{ path: [...TABLE.split("."), KEY, index], message }];
  });
}

interface Walk {
  /** Some character stands before this place for sure. */
  readonly consumed: boolean;
  /** Nothing can stand before this place. */
  readonly isFirst: boolean;
  /** The name has ended here. */
  readonly closed: boolean;
  /** The character just before, where it is known. */
  readonly last: string;
}

/** Why no branch can match the name of an image; undefined where one may. */
function whyNever(
  branches: Branches,
  walk: Walk = { consumed: false, isFirst: true, closed: false, last: "" },
): string | undefined {
  const walks = branches.map((branch) => follow(branch, walk));
  return walks.every((end) => typeof end === "string") ? walks[0]?.toString() : undefined;
}

/** The place behind a branch, or why it cannot be reached. */
function follow(branch: readonly Item[], from: Walk): Walk | string {
  let walk: Walk | string = from;
  for (const item of branch) {
    walk = step(item, walk);
    if (typeof walk === "string") return walk;
  }
  return walk;
}

function step(item: Item, walk: Walk): Walk | string {
  if (item.kind === "start") return walk.consumed ? "something stands before its ^" : walk;
  if (item.kind === "end") return { ...walk, closed: true };
  if (item.optional) return { ...walk, isFirst: false, last: "" };
  if (item.kind === "group") return stepOver(item.branches, walk);
  if (walk.closed) return "something stands behind its $";
  const impossible = item.kind === "literal" ? impossibleChar(item.char, walk) : undefined;
  return impossible ?? { consumed: true, isFirst: false, closed: false, last: item.char };
}

function stepOver(branches: Branches, walk: Walk): Walk | string {
  const ends = branches.map((branch) => follow(branch, walk));
  const possible = ends.filter((end) => typeof end !== "string");
  if (possible.length === 0) return ends[0] ?? walk;
  return {
    consumed: possible.every((end) => end.consumed),
    isFirst: possible.every((end) => end.isFirst),
    closed: possible.every((end) => end.closed),
    last: "",
  };
}

function impossibleChar(char: string, walk: Walk): string | undefined {
  if (!/[A-Za-z0-9._:/@-]/.test(char)) return `a name has no ${JSON.stringify(char)}`;
  if (walk.isFirst && !/[A-Za-z0-9]/.test(char)) {
    return `a name does not begin with ${JSON.stringify(char)}`;
  }
  if (char === "/" && walk.last === "/") return 'a name has no scheme and no "//"';
  return undefined;
}

/** Offsets of the dots between letters of a host: before the first slash or colon. */
function hostDots(branches: Branches): number[] {
  return scanHosts(branches, true).dots;
}

function scanHosts(branches: Branches, inHost: boolean): { dots: number[]; inHost: boolean } {
  const scans = branches.map((branch) => scanBranch(branch, inHost));
  return {
    dots: scans.flatMap((scan) => scan.dots),
    inHost: scans.some((scan) => scan.inHost),
  };
}

function scanBranch(branch: readonly Item[], from: boolean): { dots: number[]; inHost: boolean } {
  const dots: number[] = [];
  let inHost = from;
  for (const [index, item] of branch.entries()) {
    if (!inHost) break;
    if (item.kind === "group") {
      const inside = scanHosts(item.branches, inHost);
      dots.push(...inside.dots);
      inHost = inside.inHost;
    } else if (item.kind === "literal") inHost = item.char !== "/" && item.char !== ":";
    else if (item.kind === "any" && !item.quantified) {
      if (isHostChar(branch[index - 1]) && isHostChar(branch[index + 1])) dots.push(item.at);
    }
  }
  return { dots, inHost };
}

function isHostChar(item: Item | undefined): boolean {
  return item?.kind === "literal" && /[A-Za-z0-9-]/.test(item.char);
}

/** The text of a branch that is nothing but plain characters and dots; empty for others. */
function plainText(branch: readonly Item[]): string {
  const shown = branch.map((item) => {
    if (item.kind === "start") return "";
    if (item.kind !== "literal" && item.kind !== "any") return " ";
    return item.quantified ? " " : item.char || ".";
  });
  return shown.join("");
}

function isHost(text: string): boolean {
  return /^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}$/i.test(text);
}
