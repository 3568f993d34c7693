import { lstatSync } from "node:fs";

/** Where the README tells admins to put the configuration. */
export const USUAL_FILE = "/etc/jacamar/jacamar.toml";

/** Whether there is a usual configuration; also one that may not be read, which is then an error and not passed over. */
export function hasUsualFile(): boolean {
  try {
    return lstatSync(USUAL_FILE, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}
