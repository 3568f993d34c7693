/** What is inside the executable besides our own code: npm packages and Bun, as package-lock.json has them. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { BUN_PACKAGES } from "../base-executable.ts";
import type { Architecture } from "../harden-table.ts";

/** One package inside the executable. */
export interface Component {
  readonly name: string;
  readonly version: string;
  /** SPDX expression. */
  readonly license: string;
  /** As in the lock file: `sha512-` and base64. */
  readonly integrity: string;
  /** Names of the components that it uses. */
  readonly uses: readonly string[];
}

interface Locked {
  readonly version: string;
  readonly integrity: string;
  readonly license?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** The npm packages that package.json's `dependencies` lead to, sorted by name. */
export function npmComponents(root: string): Component[] {
  const locked = lockedPackages(root);
  const found = new Map<string, Component>();
  const visit = (name: string) => {
    if (found.has(name)) return;
    const one = lockedOf(locked, name);
    const uses = Object.keys(one.dependencies ?? {}).sort();
    found.set(name, component(name, one, uses));
    uses.forEach(visit);
  };
  directDependencies(root).forEach(visit);
  return [...found.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** The names in package.json's `dependencies`. */
export function directDependencies(root: string): string[] {
  const { dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  return Object.keys(dependencies);
}

/** Bun's executable, to which the program is appended. */
export function bunComponent(root: string, architecture: Architecture): Component {
  const name = BUN_PACKAGES[architecture];
  return component(name, lockedOf(lockedPackages(root), name), []);
}

function component(name: string, locked: Locked, uses: readonly string[]): Component {
  const { version, integrity, license } = locked;
  if (license === undefined)
    throw new Error(`Cannot list ${name}: package-lock.json has no license`);
  return { name, version, license, integrity, uses };
}

function lockedPackages(root: string): Readonly<Record<string, Locked>> {
  return JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
}

/** A second version below another package would need more than a name; there is none, and this would tell. */
function lockedOf(packages: Readonly<Record<string, Locked>>, name: string): Locked {
  const places = Object.keys(packages).filter((path) => path.endsWith(`node_modules/${name}`));
  const locked = packages[`node_modules/${name}`];
  if (locked === undefined || places.length !== 1)
    throw new Error(
      `Cannot list ${name}: package-lock.json has it ${places.length} times, wanted 1`,
    );
  return locked;
}

/** The licenses of everything in the executable, our own first, for the package's `copyright` file. */
export function licenseTexts(root: string): string {
  const parts = npmComponents(root).map(({ name, version, license }) => {
    const text = licenseFile(join(root, "node_modules", name));
    return `${name} ${version} (${license})\n\n${text.trim()}`;
  });
  const bun = bunComponent(root, "x64");
  return [
    readFileSync(join(root, "LICENSE"), "utf8").trim(),
    "The executable contains the following software of others.",
    `Bun ${bun.version} (${bun.license}), with its parts under their own licenses, among them JavaScriptCore of WebKit (LGPL-2.0);\nits source and all of its licenses: https://bun.com/docs/project/license`,
    ...parts,
  ]
    .join(`\n\n${"-".repeat(72)}\n\n`)
    .concat("\n");
}

function licenseFile(directory: string): string {
  const name = existsSync(directory)
    ? readdirSync(directory).find((file) => /^licen[cs]e(\.|$)/i.test(file))
    : undefined;
  if (name === undefined) throw new Error(`Cannot copy the license of ${directory}: no such file`);
  return readFileSync(join(directory, name), "utf8");
}
