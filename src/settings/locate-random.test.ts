import { expect, test } from "bun:test";
import { keyPath, type Path } from "./key-path.ts";
import { locateKeys } from "./locate.ts";
import { isTable } from "./tidy.ts";
import { parseToml } from "./toml.ts";

/** Paths of everything in a document. */
function pathsOf(value: unknown, path: Path = []): string[] {
  const own = path.length > 0 ? [keyPath(path)] : [];
  const below = Array.isArray(value)
    ? value.map((element, index): [number, unknown] => [index, element])
    : isTable(value)
      ? Object.entries(value)
      : [];
  return [...own, ...below.flatMap(([step, held]) => pathsOf(held, [...path, step]))];
}

/** A random document whose keys are numbered, so that it is never invalid. */
function randomToml(seed: number): string {
  let state = seed * 2654435761 + 1;
  const pick = (...choices: string[]): string => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return choices[state % choices.length] ?? "";
  };
  let count = 0;
  const key = (): string => {
    count += 1;
    return pick(`k${count}`, `"q.${count}"`, `'l ${count}'`, `"e\\u00e9${count}"`, `a${count} . b`);
  };
  const blank = (): string => pick("", " ", "\t", "  ");
  const line = (): string => pick("\n", "\r\n", " # [c] = {'\n", "\n\n");
  const value = (depth: number): string => {
    const simple = pick(
      "1",
      "true",
      "'#['",
      '"\\"}"',
      '"""\n"x""""',
      "'''\n]'''",
      "1979-05-27 07:32:00",
      "-1.5",
    );
    if (depth > 3) return simple;
    const list = `[${line()}${value(depth + 1)},${blank()}${value(depth + 1)}${pick("", ",")}${line()}]`;
    const table = `{${blank()}${key()}=${value(depth + 1)},${key()} = ${value(depth + 1)}${blank()}}`;
    return pick(simple, simple, list, table);
  };
  let text = "";
  for (let step = 0; step < 12; step += 1) {
    const header = key();
    text += pick(
      "",
      "",
      `[${blank()}${header}${blank()}]${line()}`,
      `[[${header}]]${line()}[[${header}]]${line()}`,
    );
    text += `${blank()}${key()}${blank()}=${blank()}${value(0)}${line()}`;
  }
  return text;
}

test("finds exactly the keys that the parser finds, in random documents", () => {
  for (let seed = 0; seed < 300; seed += 1) {
    const text = randomToml(seed);
    const parsed = parseToml(text);
    if (!parsed.ok) throw new Error(`${parsed.message} in ${text}`);

    const found = [...locateKeys(text).keys()];

    expect(found.toSorted()).toEqual(pathsOf(parsed.document).toSorted());
  }
});
