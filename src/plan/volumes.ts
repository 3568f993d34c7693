import { accept, refuse, type Verdict } from "./decision.ts";
import { kernelDirectory, normalisePath } from "./paths.ts";
import { quoted } from "./quoted.ts";

/** A directory or file of the host that the container sees. */
export interface Bind {
  /** Absolute path on the host, as written. */
  readonly source: string;
  /** Absolute path in the container, normalised. */
  readonly target: string;
  readonly because: string;
  /** The variable that asks for it. */
  readonly from: string;
}

interface VolumeVariable {
  readonly key: string;
  readonly value: string;
  /** Digits of the suffix without leading zeros. */
  readonly number: string;
}

/**
 * Reads the volumes that a job asks for: variables `<prefix>_<digits>` with the value `SRC[:DST]`, in the order
 * of their numbers (`_02` and `_2` tie and keep their order). Empty values ask for nothing. Refuses, as the
 * user's fault, whatever ch-run would reject or misread.
 */
export function planVolumes(
  prefix: string,
  variables: Readonly<Record<string, string>>,
): Verdict<readonly Bind[]> {
  const binds: Bind[] = [];
  for (const { key, value } of volumeVariables(prefix, variables)) {
    const [source = "", target = source] = value.split(":");
    const problem = volumeProblem(value, source, target);
    if (problem !== undefined) {
      const message = `Cannot bind the volume ${key}=${quoted(value)}: ${problem}; wanted SRC or SRC:DST with absolute paths`;
      return refuse("user", message, key);
    }
    const because = `the job's variable ${key} asks for it`;
    binds.push({ source, target: normalisePath(target), because, from: key });
  }
  return accept(binds);
}

function volumeVariables(
  prefix: string,
  variables: Readonly<Record<string, string>>,
): readonly VolumeVariable[] {
  const found: VolumeVariable[] = [];
  for (const [key, value] of Object.entries(variables)) {
    const suffix = key.startsWith(`${prefix}_`) ? key.slice(prefix.length + 1) : "";
    if (/^\d+$/.test(suffix) && value.trim() !== "") {
      found.push({ key, value, number: suffix.replace(/^0+(?=\d)/, "") });
    }
  }
  return found.sort((a, b) => compareDigits(a.number, b.number));
}

/** By value, however many digits there are. */
function compareDigits(a: string, b: string): number {
  if (a.length !== b.length) {
    return a.length - b.length;
  }
  return a < b ? -1 : Number(a > b);
}

function volumeProblem(value: string, source: string, target: string): string | undefined {
  const option = /:(ro|rw|z|Z)$/.exec(value)?.[0];
  if (option !== undefined) {
    return `ch-run has no bind option ${quoted(option)}, every bind is readable and writable`;
  }
  if (value.split(":").length > 2) {
    return "ch-run splits at the first colon, so neither path can contain one";
  }
  if (!source.startsWith("/")) {
    return `the source ${quoted(source)} is not an absolute path, and ~ is not expanded`;
  }
  if (!target.startsWith("/")) {
    return `the destination ${quoted(target)} is not an absolute path`;
  }
  const place = normalisePath(target);
  if (place === "/") {
    return "the destination is the container's root directory";
  }
  const kernel = kernelDirectory(place);
  return kernel === undefined
    ? undefined
    : `the destination ${quoted(place)} is in ${kernel}, which ch-run binds from the host anyway`;
}
