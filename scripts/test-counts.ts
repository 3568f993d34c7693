/** How many tests went which way. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
}

/**
 * Reads the lines with which `bun test` ends. A run that reports success without them, or failure without a failed
 * test, counts as one failure: a runner that crashed must not look like one that found nothing wrong.
 */
export function countsOf(output: string, exitCode: number): Counts {
  const plain = output.replaceAll(/\x1b\[[0-9;]*m/g, "");
  const last = (word: string) => {
    const lines = [...plain.matchAll(new RegExp(`^ (\\d+) ${word}$`, "gm"))];
    return lines.length === 0 ? undefined : Number(lines.at(-1)?.[1]);
  };
  const passed = last("pass");
  const failed = last("fail");
  if (passed === undefined || failed === undefined) return { passed: passed ?? 0, failed: 1 };
  return { passed, failed: exitCode !== 0 && failed === 0 ? 1 : failed };
}

export function addCounts(one: Counts, other: Counts): Counts {
  return { passed: one.passed + other.passed, failed: one.failed + other.failed };
}
