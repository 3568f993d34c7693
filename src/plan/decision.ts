/** A choice together with why it was made; `--explain`, the job log and errors all show the same words. */
export interface Decision<T> {
  readonly choice: T;
  /** One clause, e.g. `the job names it`. */
  readonly because: string;
  /** The configuration key, variable or fact that decided, e.g. `image:` or `[general.charliecloud] default_image`. */
  readonly from: string;
}

/**
 * Why a job cannot go on, and whose fault that is: `user` becomes a build failure that is not retried,
 * `admin` and `system` become a system failure.
 */
export interface Refusal {
  readonly fault: "user" | "admin" | "system";
  /** What was attempted, the value seen, what was wanted. One line. */
  readonly message: string;
  /** The key or variable to change. */
  readonly from: string;
}

/** The result of a pure decision: a value, or a refusal as data. */
export type Verdict<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refusal: Refusal };

export function accept<T>(value: T): Verdict<T> {
  return { ok: true, value };
}

export function refuse<T = never>(
  fault: Refusal["fault"],
  message: string,
  from: string,
): Verdict<T> {
  return { ok: false, refusal: { fault, message, from } };
}
