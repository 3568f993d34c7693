import type { Path } from "./key-path.ts";

/** One thing wrong in a document, as data: where, and what kind. `describeMistake` puts it into words. */
export type Mistake =
  /** No row of the option table is for this key or table. */
  | { readonly kind: "unknown"; readonly path: Path; readonly isTable: boolean }
  /** A required key is absent or empty. */
  | { readonly kind: "missing"; readonly path: Path }
  /** The value does not have the type that the option table names. */
  | { readonly kind: "wrong-value"; readonly path: Path; readonly value: unknown }
  /** A table was wanted. */
  | { readonly kind: "not-a-table"; readonly path: Path; readonly value: unknown }
  /** The type is right and the content is not; `complaint` is the text behind the key. */
  | { readonly kind: "refused"; readonly path: Path; readonly complaint: string };

/** The mistake of a value that has the right type and cannot be meant; one line, without the key. */
export function refused(path: Path, complaint: string): Mistake {
  return { kind: "refused", path, complaint };
}
