import { closest, distance } from "fastest-levenshtein";

/** The name that is most like the one given, or undefined where none is alike enough to be meant. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined;
  // Go reads keys without regard to case, so a different case is not far away.
  const lower = name.toLowerCase();
  const nearest = closest(lower, known);
  const tolerated = Math.max(2, Math.floor(name.length * 0.4));
  return distance(lower, nearest) <= tolerated ? nearest : undefined;
}
