/** One thing to measure. */
export interface Case {
  readonly name: string;
  /** Does it once and returns the figure: milliseconds, bytes, whatever the benchmark is about. */
  readonly run: () => number | Promise<number>;
}

export interface MeasureOptions {
  /** How often each case is run and counted. */
  readonly rounds: number;
  /** Rounds before those, not counted. @default {1} */
  readonly warmup?: number;
}

/** What the rounds gave for one case. */
export interface Measurement {
  readonly name: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly samples: readonly number[];
}

/**
 * Runs the cases in turn, round after round, so that a machine that becomes slower does so for all of them; every
 * second round goes backwards, so that none always follows the same other one.
 *
 * @throws {RangeError} If there is nothing to measure.
 */
export async function measure(
  cases: readonly Case[],
  { rounds, warmup = 1 }: MeasureOptions,
): Promise<Measurement[]> {
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new RangeError(`Cannot measure in ${rounds} rounds: want a whole number above 0`);
  const samples = new Map<Case, number[]>(cases.map((one) => [one, []]));
  for (let round = -warmup; round < rounds; round++) {
    const order = round % 2 === 0 ? cases : cases.toReversed();
    for (const one of order) {
      const figure = await one.run();
      if (round >= 0) samples.get(one)?.push(figure);
    }
  }
  return cases.map((one) => summary(one.name, samples.get(one) ?? []));
}

/** Median, least and most of figures. */
export function summary(name: string, samples: readonly number[]): Measurement {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? Number.NaN;
  const middle = (sorted.length - 1) / 2;
  const median = (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2;
  return { name, median, min: at(0), max: at(sorted.length - 1), samples };
}

/** Runs a command without input and output and returns how long it took, in milliseconds. */
export function timeOf(
  command: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): number {
  const start = Bun.nanoseconds();
  const { exitCode } = Bun.spawnSync([...command], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
    ...options,
  });
  const milliseconds = (Bun.nanoseconds() - start) / 1e6;
  if (exitCode !== 0) throw new Error(`Cannot time ${command.join(" ")}: status ${exitCode}`);
  return milliseconds;
}

/** A table for people: one line for each measurement, figures in `unit`. */
export function table(measurements: readonly Measurement[], unit: string): string {
  const rows = [
    ["", `median ${unit}`, "min", "max", "rounds"],
    ...measurements.map(({ name, median, min, max, samples }) => [
      name,
      ...[median, min, max].map(figure),
      String(samples.length),
    ]),
  ];
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)));
  return rows.map((row) => line(row).join("  ").trimEnd()).join("\n");
}

/** A figure that the project promises. */
export interface Figure {
  /** What was measured, e.g. `config`. */
  readonly name: string;
  readonly value: number;
  /** e.g. `× the empty program`. */
  readonly unit: string;
  /** `most`: the figure may not be above the limit; `least`: not below it. */
  readonly limit: { readonly most: number } | { readonly least: number };
}

/** Figures that are held or missed together. */
export interface Bar {
  readonly name: string;
  /** May print what explains the figures. */
  readonly measure: () => readonly Figure[] | Promise<readonly Figure[]>;
}

/**
 * Measures what `--bar NAME` asks for and prints each figure against its limit, then which were missed; returns the
 * exit status: 0 when all limits are held, 1 when not, 64 for an unknown name. Without the option: undefined, nothing is
 * printed.
 */
export async function answerBar(
  argv: readonly string[],
  bars: readonly Bar[],
): Promise<0 | 1 | 64 | undefined> {
  const at = argv.indexOf("--bar");
  if (at < 0) return undefined;
  const bar = bars.find(({ name }) => name === argv[at + 1]);
  if (bar === undefined) {
    const names = bars.map(({ name }) => name).join(", ");
    console.error(`bench: no bar "${argv[at + 1] ?? ""}"; there are ${names}`);
    return 64;
  }
  const figures = await bar.measure();
  if (figures.length === 0) throw new Error(`the bar ${bar.name} measured nothing`);
  for (const one of figures) console.log(`${describe(one)}: ${isHeld(one) ? "held" : "MISSED"}`);
  const missed = figures.filter((one) => !isHeld(one));
  const outcome =
    missed.length === 0
      ? `all of ${figures.length} held`
      : `${missed.length} of ${figures.length} MISSED: ${missed.map(({ name }) => name).join("; ")}`;
  console.log(`${bar.name}: ${outcome}`);
  return missed.length === 0 ? 0 : 1;
}

/** A figure and its limit in one line: `config: 21.3 × the empty program, at most 25`. */
export function describe({ name, value, unit, limit }: Figure): string {
  const wanted = "most" in limit ? `at most ${limit.most}` : `at least ${limit.least}`;
  return `${name}: ${figure(value)} ${unit}, ${wanted}`;
}

/** A figure that could not be measured is not held. */
function isHeld({ value, limit }: Figure): boolean {
  return "most" in limit ? value <= limit.most : value >= limit.least;
}

/** Three digits that matter, or all of them where there are more before the point. */
function figure(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
