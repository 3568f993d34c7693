/** Something that the driver needs from this host or its administrator is missing: a system failure with one line. */
export class SystemFailure extends Error {
  override readonly name = "SystemFailure";
}
