import { distance } from "fastest-levenshtein";

/** The name that is most like the one given, or undefined where none is alike enough to be meant. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  return nearestNames(name, known, 1)[0];
}

/** The names that are alike enough to be meant, the most similar first; at most `most`. */
export function nearestNames(name: string, known: readonly string[], most = 3): readonly string[] {
  // Go reads keys without regard to case, so a different case is not far away.
  const lower = name.toLowerCase();
  const tolerated = Math.max(2, Math.floor(name.length * 0.4));
  return known
    .map((candidate) => ({ candidate, far: distance(lower, candidate) }))
    .filter(({ far }) => far <= tolerated)
    .sort((one, other) => one.far - other.far)
    .slice(0, most)
    .map(({ candidate }) => candidate);
}
