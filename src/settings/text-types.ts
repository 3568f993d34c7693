import { parseAge, parseDuration } from "./duration.ts";
import { parseAmount, parseSize } from "./size.ts";

/** A kind of value that is written as a string and means something else. */
export interface TextType {
  /** What the string means, or undefined where it is not of this type. */
  readonly parse: (text: string) => unknown;
  /** With its article, for messages. */
  readonly noun: string;
  /** The wanted form, for messages. */
  readonly wanted: string;
}

/** The types that are written as strings, by the names that the option table has for them. */
export const TEXT_TYPES = {
  duration: {
    parse: (text) => {
      const seconds = parseDuration(text);
      return seconds === undefined || seconds < 0 ? undefined : seconds;
    },
    noun: "a duration",
    wanted: 'a string such as "30s" or "2m"',
  },
  age: { parse: parseAge, noun: "an age", wanted: 'a string such as "30d" or "12h"' },
  size: { parse: parseSize, noun: "a size", wanted: 'a string such as "50GB" or "20GiB"' },
  amount: {
    parse: parseAmount,
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
