/**
 * Makes environment variables dead that would steer Bun inside a compiled program.
 *
 * A name that Bun asks `getenv` for is a C string in its executable. With NUL as its first byte it is the empty
 * name, which no environment has. The change is made in Bun's executable before the program is appended, so the
 * program's own text is never searched.
 */
import {
  type Architecture,
  DEAD_NAMES,
  type DeadName,
  EDITS,
  type Edit,
  SWEEP,
} from "./harden-table.ts";

/** Which names and edits `harden` applies; `HARDENING` is the one for Bun. */
export interface Hardening {
  readonly names: readonly DeadName[];
  readonly sweep: {
    readonly prefix: string;
    readonly longest: number;
    readonly except: readonly string[];
    readonly count: Readonly<Record<Architecture, number>>;
  };
  readonly edits: readonly Edit[];
}

export const HARDENING: Hardening = { names: DEAD_NAMES, sweep: SWEEP, edits: EDITS };

/**
 * Returns a copy of Bun's executable in which the table's names are dead.
 *
 * @throws {Error} If anything of the table is not found exactly as often as it says; the message lists all of it.
 */
export function harden(
  executable: Buffer,
  architecture: Architecture,
  hardening: Hardening = HARDENING,
): Buffer {
  const wrong: string[] = [];
  const here = (entry: { readonly only?: Architecture }) =>
    entry.only === undefined || entry.only === architecture;
  const names = hardening.names.filter(here).map((entry) => entry.name);
  const { prefix, longest, except, count } = hardening.sweep;

  const dead = new Map<string, number[]>(names.map((name) => [name, cStrings(executable, name)]));
  const swept = sweep(executable, prefix, longest).filter(
    (found) => !names.includes(found.name) && !except.includes(found.name),
  );

  for (const [name, offsets] of dead)
    if (offsets.length !== 1) wrong.push(`${name}: ${offsets.length} times, wanted once`);
  if (swept.length !== count[architecture])
    wrong.push(
      `other ${prefix}* names: ${swept.length}, wanted ${count[architecture]}: ${swept.map((s) => s.name).join(" ")}`,
    );

  const result = Buffer.from(executable);
  for (const offset of [...[...dead.values()].flat(), ...swept.map((found) => found.offset)])
    result[offset] = 0;
  for (const edit of hardening.edits.filter(here)) {
    const offsets = occurrences(executable, Buffer.from(edit.find, "latin1"));
    const replacement = Buffer.from(edit.replace, "latin1");
    if (replacement.length !== edit.find.length) wrong.push(`${edit.what}: lengths differ`);
    if (offsets.length !== (edit.count ?? 1))
      wrong.push(`${edit.what}: ${offsets.length} times, wanted ${edit.count ?? 1}`);
    for (const offset of offsets) replacement.copy(result, offset);
  }

  if (wrong.length > 0)
    throw new Error(
      `Cannot harden Bun's ${architecture} executable, it is not the one the table was made for:\n  ${wrong.join("\n  ")}`,
    );
  return result;
}

/** Offsets of `name` where it stands between two NUL bytes. */
function cStrings(executable: Buffer, name: string): number[] {
  return occurrences(executable, Buffer.from(name)).filter(
    (offset) => executable[offset - 1] === 0 && executable[offset + name.length] === 0,
  );
}

/** All C strings of at most `longest` letters, digits and underscores that begin with `prefix`. */
function sweep(executable: Buffer, prefix: string, longest: number) {
  const found: { name: string; offset: number }[] = [];
  for (const offset of occurrences(executable, Buffer.from(prefix))) {
    if (executable[offset - 1] !== 0) continue;
    const text = executable.toString("latin1", offset, offset + longest + 1);
    const name = /^([A-Za-z0-9_]+)\0/.exec(text)?.[1];
    if (name !== undefined) found.push({ name, offset });
  }
  return found;
}

function occurrences(executable: Buffer, bytes: Buffer): number[] {
  const offsets: number[] = [];
  for (let at = executable.indexOf(bytes); at >= 0; at = executable.indexOf(bytes, at + 1))
    offsets.push(at);
  return offsets;
}
