import { checkImages } from "./checks-images.ts";
import type { Path } from "./key-path.ts";
import { type Mistake, refused } from "./mistake.ts";
import { shorten } from "./problem.ts";
import { listAt, strings, type Tables } from "./tidy.ts";

const ALLOWLIST: Path = ["general", "charliecloud", "image_allowlist"];
const BASH_ENV: Path = ["general", "user_bash_env"];

const LONGEST_SHOWN = 120;

/** Checks what a type cannot say, also where the shape is wrong elsewhere. */
export async function checkContents(tables: Tables): Promise<readonly Mistake[]> {
  return [...(await checkAllowlist(tables)), ...checkBashEnv(tables), ...checkImages(tables)];
}

async function checkAllowlist(tables: Tables): Promise<Mistake[]> {
  const list = listAt(tables, "general.charliecloud", "image_allowlist");
  if (list === undefined) return [];
  if (list.every((element) => element === "")) {
    // "No image" and "every image" are both a fair reading, and a wrong guess would open the site.
    return [
      refused(
        ALLOWLIST,
        'no pattern in the list; wanted patterns, or no such key to allow every image, or [".^"] to allow none',
      ),
    ];
  }
  const { compilePattern } = await import("./patterns.ts");
  return strings(list).flatMap(([index, pattern]) => {
    const compiled = compilePattern(pattern);
    if (compiled.ok) return [];
    const quoted = JSON.stringify(shorten(pattern, LONGEST_SHOWN));
    const why = shorten(compiled.message, LONGEST_SHOWN);
    return [refused([...ALLOWLIST, index], `${quoted} is not a regular expression (RE2): ${why}`)];
  });
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

// The value may be a secret: only what looks like a name, or stands where the name should, is shown.
function checkBashEnv(tables: Tables): Mistake[] {
  return strings(listAt(tables, "general", "user_bash_env") ?? []).flatMap(([index, entry]) => {
    const path = [...BASH_ENV, index];
    const equals = entry.indexOf("=");
    if (equals === -1) {
      const seen = NAME.test(entry) ? JSON.stringify(shorten(entry, LONGEST_SHOWN)) : "the text";
      return [refused(path, `${seen} has no "="; wanted NAME=VALUE`)];
    }
    const name = entry.slice(0, equals);
    if (NAME.test(name)) return [];
    const complaint = `${JSON.stringify(shorten(name, LONGEST_SHOWN))} is not a name of a variable; wanted letters, digits and "_", no digit first`;
    return [refused(path, complaint)];
  });
}
