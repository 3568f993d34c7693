// Factors of a second; below a second the divisor is kept, because n / 1000 rounds right and n * 0.001 does not.
const MULTIPLIERS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };
const DIVISORS: Readonly<Record<string, number>> = { ms: 1e3, us: 1e6, µs: 1e6, μs: 1e6, ns: 1e9 };

const DAY_SECONDS = 86_400;

const WHOLE = /^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/;
const PART = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g;

// Go keeps a duration as nanoseconds in 64 bits.
const LONGEST_SECONDS = 2 ** 63 / 1e9;

/**
 * Reads a duration as Go writes it: `120s`, `2m`, `1h30m`, `1.5h`, `500ms`, `0`.
 *
 * @returns seconds (negative for `-5s`), or undefined where Go would report an error.
 */
export function parseDuration(text: string): number | undefined {
  if (/^[+-]?0$/.test(text)) return 0;
  if (!WHOLE.test(text)) return undefined;
  let seconds = 0;
  for (const [, digits = "", unit = ""] of text.matchAll(PART)) {
    const divisor = DIVISORS[unit];
    seconds +=
      divisor === undefined ? Number(digits) * (MULTIPLIERS[unit] ?? 1) : Number(digits) / divisor;
  }
  if (seconds >= LONGEST_SECONDS) return undefined;
  return text.startsWith("-") ? -seconds : seconds;
}

/**
 * Reads an age: a duration as {@link parseDuration} does, with days before it if wanted: `30d`, `1d12h`, `0.5d`.
 *
 * @returns seconds, or undefined for anything else and for what is negative.
 */
export function parseAge(text: string): number | undefined {
  const [days = "", count = "0"] = /^(\d+(?:\.\d+)?)d/.exec(text) ?? [];
  const rest = text.slice(days.length);
  if (days !== "" && !/^(?:\d.*)?$/.test(rest)) return undefined;
  const seconds = rest === "" && days !== "" ? 0 : parseDuration(rest);
  if (seconds === undefined || seconds < 0) return undefined;
  const age = Number(count) * DAY_SECONDS + seconds;
  return age < LONGEST_SECONDS ? age : undefined;
}

/**
 * Writes seconds as a duration that {@link parseDuration} reads back, to the nanosecond: `2m`, `1h30m`, `1m0.5s`,
 * `250ms`, `0s`.
 */
export function formatDuration(seconds: number): string {
  if (seconds < 0) return `-${formatDuration(-seconds)}`;
  const whole = Math.trunc(seconds);
  const nanoseconds = Math.round((seconds - whole) * 1e9);
  if (nanoseconds === 1e9) return formatDuration(whole + 1);
  if (whole === 0 && nanoseconds > 0) return `${nanoseconds / 1e6}ms`;
  const hours = Math.trunc(whole / 3600);
  const minutes = Math.trunc(whole / 60) % 60;
  const rest = (whole % 60) + nanoseconds / 1e9;
  const text = `${hours > 0 ? `${hours}h` : ""}${minutes > 0 ? `${minutes}m` : ""}`;
  return rest > 0 || text === "" ? `${text}${rest}s` : text;
}
