/** Files that a package brings as examples; none of them has an effect where it lies. */
import { exampleLine } from "../../src/settings/option-help.ts";
import { headerOf, optionsOf } from "../../src/settings/option-lookup.ts";
import { type Option, TABLES } from "../../src/settings/options.ts";

/**
 * A drop-in for gitlab-runner's unit. An example, because a stop that waits for the running jobs is the site's choice
 * and the unit belongs to another package.
 */
export const RUNNER_DROP_IN = `# Lets running jobs finish when gitlab-runner is stopped or restarted, e.g. for an upgrade.
# To use it:
#   mkdir -p /etc/systemd/system/gitlab-runner.service.d
#   cp jacamar.conf /etc/systemd/system/gitlab-runner.service.d/
#   systemctl daemon-reload

[Service]
# With SIGQUIT gitlab-runner takes no more jobs and waits for those that run; with SIGTERM it ends them.
KillSignal=SIGQUIT
# Only gitlab-runner itself gets the signal: by default all processes of the service do, those of jobs too.
KillMode=mixed
# Longer than the longest job: after it everything is killed, and no cleanup runs.
TimeoutStopSec=24h
`;

/** A configuration with every key: those that must be set are, the others stand as comments. */
export function exampleConfiguration(): string {
  const tables = TABLES.flatMap((table) => {
    const active = optionsOf(table.path).filter(({ state }) => state === "active");
    if (active.length === 0) return [];
    const isThere = table.path === "general";
    const header = isThere ? headerOf(table) : `# ${headerOf(table)}`;
    return [
      [`# ${table.meaning}`, header, ...active.flatMap((option) => keyLines(option, isThere))],
    ];
  });
  return [
    "# Configuration of jacamar, usually /etc/jacamar/jacamar.toml. After a change:",
    "#   jacamar --no-auth check /etc/jacamar/jacamar.toml",
    "# jacamar help KEY explains a key, jacamar.toml(5) all of them.",
    "",
    ...tables.map((lines) => `${lines.join("\n")}\n`),
  ].join("\n");
}

function keyLines(option: Option, isThere: boolean): string[] {
  const line = exampleLine(option) ?? "";
  const isSet = isThere && option.required === true;
  return ["", `# ${option.meaning}`, isSet ? line : `# ${line}`];
}
