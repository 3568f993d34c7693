import { readdirSync, readFileSync } from "node:fs";

/** Command lines of all processes that contain `text`. */
export function processesWith(text: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((pid) => commandLine(pid))
    .filter((line) => line.includes(text));
}

/** The supervisors of a site's stages, of one kind (`host`, `container`). Throws when there is none. */
export function supervisorsOf(directory: string, kind: string): number[] {
  const program = new RegExp(`${directory}/tmp/\\S*/jacamar-(supervise|summary)\\.bash ${kind} `);
  const found = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && program.test(commandLine(name)))
    .map(Number);
  if (found.length === 0) throw new Error(`no supervisor of a ${kind} stage below ${directory}`);
  return found;
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

/** Waits until `condition` holds. Throws after ten seconds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  for (let i = 0; i < 400; i++) {
    if (condition()) return;
    await Bun.sleep(25);
  }
  throw new Error(`ten seconds have passed and still not: ${what}`);
}
