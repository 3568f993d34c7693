import {
  type CollectionTag,
  type Document,
  isCollection,
  isMap,
  LineCounter,
  parseAllDocuments,
  type ScalarTag,
  type Tags,
} from "yaml";

/** `!reference [job, key, …]`: stands for what is there in the same file. */
export class Reference {
  constructor(readonly path: readonly string[]) {}
}

/** Something in a file that cannot be used; the message begins with `FILE:LINE: `. */
export class FileMistake extends Error {
  override readonly name = "FileMistake";
}

/** A YAML file as plain data, with the way back to its lines. */
export interface YamlFile {
  /** As JSON would have it, and `Reference`s; several documents: the last one. */
  readonly value: unknown;
  /** `FILE:LINE: message`; the line of the deepest part of the path that is written in the file. */
  mistake(path: readonly (string | number)[], message: string): FileMistake;
}

const REFERENCE: CollectionTag = {
  tag: "!reference",
  collection: "seq",
  resolve: (node) => new Reference([node.toJSON()].flat().map(String)),
};

const BOOLEAN = "tag:yaml.org,2002:bool";
const NOT_LETTER = /^(?![yYnN]$)/;

/** YAML 1.1 has `y` and `n` as booleans, which GitLab's parser has not. */
function withoutLetters(tag: Tags[number]): Tags[number] {
  if (typeof tag === "string" || tag.tag !== BOOLEAN || !("test" in tag)) return tag;
  const scalar: ScalarTag = { ...tag } as ScalarTag;
  return { ...scalar, test: new RegExp(`${NOT_LETTER.source}(?:${scalar.test?.source})`) };
}

/**
 * Parses YAML by the rules of GitLab's parser (YAML 1.1 with merge keys; of equal keys the last one counts).
 *
 * @param name The file's name for messages.
 * @throws FileMistake with line and column
 */
export function parseYaml(text: string, name: string): YamlFile {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, {
    version: "1.1",
    uniqueKeys: false,
    lineCounter: lines,
    prettyErrors: false,
    customTags: (tags) => [...tags.map(withoutLetters), REFERENCE],
  });
  const document = Array.isArray(documents) ? documents.at(-1) : undefined;
  if (document === undefined) return { value: null, mistake: (_path, what) => fault(1, what) };
  const [error] = documents.flatMap(({ errors }) => errors);
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0]);
    throw new FileMistake(`${name}:${line}:${col}: ${error.message}`);
  }
  return {
    value: plainValue(document, (message) => fault(1, message)),
    mistake: (path, message) => fault(lines.linePos(offsetOf(document, path)).line, message),
  };

  function fault(line: number, message: string): FileMistake {
    return new FileMistake(`${name}:${line}: ${message}`);
  }
}

function plainValue(document: Document, fault: (message: string) => FileMistake): unknown {
  try {
    return document.toJS();
  } catch (error) {
    // An alias without its anchor, or one that grows without end.
    throw fault(error instanceof Error ? error.message : String(error));
  }
}

/** Where the value of a path begins, or its key when it is a map's. */
function offsetOf(document: Document, path: readonly (string | number)[]): number {
  let node: unknown = document.contents;
  let offset = document.contents?.range?.[0] ?? 0;
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => String(key) === String(part));
      if (pair === undefined) return offset;
      offset = rangeStart(pair.key) ?? offset;
      node = pair.value;
    } else if (isCollection(node)) {
      node = node.get(part, true);
      offset = rangeStart(node) ?? offset;
    } else return offset;
  }
  return offset;
}

function rangeStart(node: unknown): number | undefined {
  if (typeof node !== "object" || node === null || !("range" in node)) return undefined;
  const { range } = node;
  return Array.isArray(range) && typeof range[0] === "number" ? range[0] : undefined;
}
