/** Something that the driver needs from this host or its administrator is missing: a system failure with one line. */
export class SystemFailure extends Error {
  override readonly name = "SystemFailure";
}

/**
 * By the name: in the finished program, what `run` loads first and what it loads later have each a class of their own
 * (scripts/hot-entry.ts).
 */
export function isSystemFailure(error: unknown): error is Error {
  return error instanceof Error && error.name === "SystemFailure";
}
