/**
 * Tells whether a GitLab Runner version contains a change.
 *
 * @param version - The simulated version, `major.minor` or longer, for example `"19.4"`.
 * @param minimum - The first version with the change, same form.
 * @throws Error when one of them does not start with `major.minor`.
 */
export function atLeast(version: string, minimum: string): boolean {
  const [major, minor] = parse(version);
  const [wantedMajor, wantedMinor] = parse(minimum);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

/** `CI_RUNNER_VERSION`: the version with three numbers. */
export function fullVersion(version: string): string {
  return /^\d+\.\d+$/.test(version) ? `${version}.0` : version;
}

function parse(version: string): readonly [number, number] {
  const match = /^(\d+)\.(\d+)/.exec(version);
  if (match === null) {
    throw new Error(`not a GitLab Runner version: ${version}`);
  }
  return [Number(match[1]), Number(match[2])];
}
