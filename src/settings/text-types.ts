import { parseAge, parseDuration } from "./duration.ts";
import { parseAmount, parseSize } from "./size.ts";

/** A kind of value that is written as a string and means something else. */
export interface TextType {
  /** What the string means, or undefined where it is not of this type. */
  readonly parse: (text: string) => unknown;
  /**
   * What the whole string must match, for editors: a regular expression that every dialect knows, without anchors. It
   * lets pass what is only too large for `parse`.
   */
  readonly pattern: string;
  /** With its article, for messages. */
  readonly noun: string;
  /** The wanted form, for messages. */
  readonly wanted: string;
}

const STEP = "(?:[0-9]+\\.?[0-9]*|\\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h)";
const DURATION = `[+-]?0|[+]?(?:${STEP})+`;
const NUMBER = "[0-9]+(?:\\.[0-9]+)?";
const SIZE = `${NUMBER} ?(?:[KkMmGgTtPp][Ii]?[Bb]|[Bb])?`;

/** The types that are written as strings, by the names that the option table has for them. */
export const TEXT_TYPES = {
  duration: {
    parse: (text) => {
      const seconds = parseDuration(text);
      return seconds === undefined || seconds < 0 ? undefined : seconds;
    },
    pattern: DURATION,
    noun: "a duration",
    wanted: 'a string such as "30s" or "2m"',
  },
  age: {
    parse: parseAge,
    pattern: `${DURATION}|${NUMBER}d(?:0|[0-9]+\\.?[0-9]*(?:ns|us|µs|μs|ms|s|m|h)(?:${STEP})*)?`,
    noun: "an age",
    wanted: 'a string such as "30d" or "12h"',
  },
  size: {
    parse: parseSize,
    pattern: SIZE,
    noun: "a size",
    wanted: 'a string such as "50GB" or "20GiB"',
  },
  amount: {
    parse: parseAmount,
    pattern: `${SIZE}|(?:0*[0-9]{1,2}(?:\\.[0-9]+)?|0*100(?:\\.0+)?) ?%`,
    noun: "a size or a percentage",
    wanted: 'a string such as "50GB" or "5%"',
  },
} as const satisfies Readonly<Record<string, TextType>>;

export type TextTypeName = keyof typeof TEXT_TYPES;

/** The text type of that name, if there is one. */
export function findTextType(name: unknown): TextType | undefined {
  return isTextTypeName(name) ? TEXT_TYPES[name] : undefined;
}

function isTextTypeName(name: unknown): name is TextTypeName {
  return typeof name === "string" && Object.hasOwn(TEXT_TYPES, name);
}
