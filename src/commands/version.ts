/** The driver's version, from package.json. */
export function driverVersion(): string {
  return JACAMAR_VERSION;
}

/** What `--version` prints: the lines that tools and admins know from Jacamar CI. */
export function versionText(): string {
  return [
    `Version: ${JACAMAR_VERSION}`,
    `Git Commit: ${JACAMAR_COMMIT}`,
    `Bun Version: ${Bun.version}-linux/${process.arch}`,
    `Built: ${JACAMAR_BUILT}`,
  ].join("\n");
}
