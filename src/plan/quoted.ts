/** Longer values are cut in messages: they must stay one readable line. */
const LONGEST = 200;

/**
 * A value from outside as it appears in a message: JSON-quoted, so that it cannot break the line, move the
 * cursor or change the reading direction of a log.
 */
export function quoted(value: string): string {
  const cut = value.length > LONGEST ? `${value.slice(0, LONGEST)}…` : value;
  return JSON.stringify(cut).replace(
    /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
