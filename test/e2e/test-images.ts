import { join } from "node:path";
import { installGitlabRunner } from "../../src/runner/runner.ts";
import { tinyRoot } from "../fixtures/images.ts";
import type { Registry } from "../fixtures/registry.ts";

/** References of images in a test registry. */
export interface TestImages {
  /** Busybox and Bash; `ENV FOO=bar`. */
  readonly tiny: string;
  /** Busybox alone. */
  readonly noBash: string;
  /** No shell at all. */
  readonly noShell: string;
  /** Bash, Git and the stand-in for gitlab-runner. */
  readonly helper: string;
}

/** Makes the images below `dir` and pushes them. */
export function pushTestImages(registry: Registry, dir: string): TestImages {
  const root = (name: string, options = {}) => tinyRoot(join(dir, name), options);
  const helper = root("helper", { git: true });
  installGitlabRunner(join(helper, "usr/bin"));
  return {
    tiny: registry.push("ci/tiny", root("tiny"), { env: { FOO: "bar" } }),
    noBash: registry.push("ci/no-bash", root("no-bash", { bash: false })),
    noShell: registry.push("ci/no-shell", root("no-shell", { shell: false })),
    helper: registry.push("ci/helper", helper),
  };
}
