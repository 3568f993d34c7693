import { accessSync, constants, statSync } from "node:fs";

/** Absolute path of an executable file in a PATH-like list; relative entries are passed over. */
export function findProgram(name: string, path: string | undefined): string | undefined {
  return (path ?? "")
    .split(":")
    .filter((directory) => directory.startsWith("/"))
    .map((directory) => `${directory.replace(/\/+$/, "")}/${name}`)
    .find(isProgram);
}

export function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
