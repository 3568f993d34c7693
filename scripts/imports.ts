/** One import of a file: a static one, a re-export or `import()`. */
export interface Import {
  readonly specifier: string;
  /** Gone in the program: `import type`, `export type`, or `import("…")` in a type. */
  readonly typeOnly: boolean;
  /** `import()`: loaded when it is reached. */
  readonly dynamic: boolean;
  readonly line: number;
}

const STATIC =
  /\b(?:import|export)\s+(type\s+(?!from\s*["']))?(?:[\w*\s{},$]+?\s+from\s*|(?=["']))["']([^"']+)["']/g;
const DYNAMIC = /(\btypeof\s+)?\bimport\s*\(\s*["']([^"']+)["']/g;

/**
 * Finds a TypeScript file's imports. What Bun's own parser finds and this does not is an error, so that no import
 * that is left in the program can be missed.
 *
 * @throws {Error} If an import was missed.
 */
export function importsOf(file: string, source: string): Import[] {
  const text = withoutCommentsAndTemplates(source);
  const found = [STATIC, DYNAMIC].flatMap((pattern) =>
    [...text.matchAll(pattern)].map((match) => ({
      specifier: match[2] ?? "",
      typeOnly: match[1] !== undefined,
      dynamic: pattern === DYNAMIC,
      line: text.slice(0, match.index).split("\n").length,
    })),
  );
  const transpiler = new Bun.Transpiler({ loader: "ts" });
  for (const { path } of transpiler.scanImports(source))
    if (!found.some((one) => one.specifier === path && !one.typeOnly))
      throw new Error(`Cannot check ${file}: the import of "${path}" was not understood`);
  return found.sort((a, b) => a.line - b.line);
}

/** Blanks comments and template literals, line for line; strings stay, they hold the specifiers. */
function withoutCommentsAndTemplates(source: string): string {
  const parts =
    /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|\/\/[^\n]*|\/\*[\s\S]*?\*\/|`(?:\\[\s\S]|[^`\\])*`/g;
  return source.replaceAll(parts, (part) =>
    part.startsWith('"') || part.startsWith("'") ? part : part.replaceAll(/[^\n]/g, " "),
  );
}
