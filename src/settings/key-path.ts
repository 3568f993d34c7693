/** The way from the top of a document to a key: names, and numbers for elements of lists. */
export type Path = readonly (string | number)[];

const BARE = /^[A-Za-z0-9_-]+$/;

/**
 * A path as text: `general.executor`, `servers[0].name`, `general."a.b"`. Different paths give different texts, so
 * it serves as a map key too.
 */
export function keyPath(path: Path): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else text += (text === "" ? "" : ".") + keyName(step);
  }
  return text;
}

/**
 * The steps of a path that {@link keyPath} wrote, if all its names are bare, as those of all known tables are:
 * `general.charliecloud.mirror[1]` → `["general", "charliecloud", "mirror", 1]`.
 */
export function stepsOf(path: string): (string | number)[] {
  return Array.from(path.matchAll(/([A-Za-z0-9_-]+)|\[(\d+)\]/g), ([, name, index]) =>
    name === undefined ? Number(index) : name,
  );
}

/** One key as it must be written in TOML: bare where that is allowed, else in quotes. */
export function keyName(name: string): string {
  return BARE.test(name) ? name : JSON.stringify(name);
}
