// Factors of a byte. Names without B are left out: G is 10^9 to some tools and 2^30 to others.
const FACTORS: ReadonlyMap<string, number> = new Map([
  ["", 1],
  ["b", 1],
  ["kb", 1e3],
  ["mb", 1e6],
  ["gb", 1e9],
  ["tb", 1e12],
  ["pb", 1e15],
  ["kib", 2 ** 10],
  ["mib", 2 ** 20],
  ["gib", 2 ** 30],
  ["tib", 2 ** 40],
  ["pib", 2 ** 50],
]);

/** An amount of space: fixed, or a share of the file system that it lies on. */
export type Amount = { readonly bytes: number } | { readonly percent: number };

/**
 * Reads a size: `50GB` (powers of 1000), `20GiB` (powers of 1024), `1.5 TB`, `500` (bytes). Case does not matter.
 *
 * @returns whole bytes, or undefined for anything else and for more than 2^53 of them.
 */
export function parseSize(text: string): number | undefined {
  const [, digits = "", unit = ""] = /^(\d+(?:\.\d+)?) ?([a-z]*)$/i.exec(text) ?? [];
  const factor = FACTORS.get(unit.toLowerCase());
  if (digits === "" || factor === undefined) return undefined;
  const bytes = Math.floor(Number(digits) * factor);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** Reads a size as {@link parseSize} does, or a share such as `5%` or `2.5%`, up to `100%`. */
export function parseAmount(text: string): Amount | undefined {
  const share = /^(\d+(?:\.\d+)?) ?%$/.exec(text)?.[1];
  if (share !== undefined) return Number(share) <= 100 ? { percent: Number(share) } : undefined;
  const bytes = parseSize(text);
  return bytes === undefined ? undefined : { bytes };
}
