import type { Context } from "./context.ts";

/** `fail`: jobs will fail; `warn`: some will, or something works worse than it could. */
export type State = "ok" | "warn" | "fail";

/** What a probe found. All texts are one line. */
export interface Finding {
  readonly state: State;
  readonly seen: string;
  /** What it means for jobs; empty where all is well. */
  readonly meaning: string;
  /** The command or key that mends it; empty where there is nothing to mend. */
  readonly fix: string;
}

/** One question to this host. */
export interface Probe {
  /** Stable, in kebab case: part of the JSON. */
  readonly id: string;
  readonly title: string;
  readonly run: (context: Context) => Promise<Finding>;
}

export function ok(seen: string): Finding {
  return { state: "ok", seen, meaning: "", fix: "" };
}

export function warn(seen: string, meaning: string, fix: string): Finding {
  return { state: "warn", seen, meaning, fix };
}

export function fail(seen: string, meaning: string, fix: string): Finding {
  return { state: "fail", seen, meaning, fix };
}

/** Several findings about one thing as one: the worst state, and the meaning and the fix of all that is not well. */
export function merged(findings: readonly Finding[]): Finding {
  const states = findings.map(({ state }) => state);
  const state = states.includes("fail") ? "fail" : states.includes("warn") ? "warn" : "ok";
  const worstFirst = [
    ...findings.filter((one) => one.state === "fail"),
    ...findings.filter((one) => one.state === "warn"),
  ];
  const joined = (texts: readonly string[]) =>
    [...new Set(texts)].filter((text) => text !== "").join("; ");
  return {
    state,
    seen: joined(findings.map(({ seen }) => seen)),
    meaning: joined(worstFirst.map(({ meaning }) => meaning)),
    fix: joined(worstFirst.map(({ fix }) => fix)),
  };
}
