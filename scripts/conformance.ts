/**
 * Runs real jobs through the compiled driver and whatever scheduler this machine has, and says what it got right: the
 * way to try the driver on a site before gitlab-runner is set up.
 *
 * Usage: npm run conformance -- --executor slurm|flux|pbs|lsf [--data-dir DIR] [--arguments "…"] [--bin DIR]
 *   --data-dir   on a file system that the nodes see; default: a directory in /var/tmp, for one machine
 *   --arguments  what a job of this site needs, e.g. an account or a queue
 *   --bin        the scheduler's commands, as in [batch] scheduler_bin
 */
import { parseArgs } from "node:util";
import { makeSite, type Site } from "../test/e2e/site.ts";
import type { JobResult } from "../test/runner/types.ts";
import { architectures, build } from "./build.ts";

interface Check {
  readonly name: string;
  /** What is wrong; undefined when it is right. */
  readonly run: (
    site: Site,
    argumentsOf: (more?: string) => Variables,
  ) => Promise<string | undefined>;
}

type Variables = readonly { readonly key: string; readonly value: string }[];

/** The site's own environment, with the stand-in for gitlab-runner. */
function runnerOf(site: Site) {
  const env = Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value]],
    ),
  );
  return site.runner({
    env: { ...env, HOME: site.home, PATH: `${site.dir}/bin:${process.env["PATH"] ?? ""}` },
  });
}

const CHECKS: readonly Check[] = [
  {
    name: "a script that succeeds is green, with all of its output",
    async run(site, given) {
      const script = ["echo first", "printf 'no newline at the end'"];
      const result = await runnerOf(site).run({ id: 1, name: "ok", script, variables: given() });
      if (result.status !== "success") return seen(result);
      return result.log.includes("first\n") && result.log.includes("no newline at the end")
        ? undefined
        : `output is missing:\n${result.log}`;
    },
  },
  {
    name: "a script's own status is GitLab's",
    async run(site, given) {
      const result = await site
        .runner()
        .run({ id: 2, name: "seven", script: ["exit 7"], variables: given() });
      return result.failureReason === "script_failure" && result.exitCode === 7
        ? undefined
        : seen(result);
    },
  },
  {
    name: "a cancelled job ends, and is not green",
    async run(site, given) {
      const script = ["trap 'exit 0' TERM", "echo ready", "sleep 600 & wait"];
      const result = await site
        .runner()
        .run(
          { id: 3, name: "cancel", script, variables: given() },
          { cancelDuring: { stage: "build_script", onText: "ready\n" } },
        );
      const hook = result.hooks.find((run) => run.stage === "build_script");
      return result.status === "canceled" && hook?.code !== 0 ? undefined : seen(result);
    },
  },
  {
    name: "an argument that would take the output away is refused, by name",
    async run(site, given) {
      const option = "--output=/dev/null -o /dev/null";
      const result = await site
        .runner()
        .run({ id: 4, name: "refused", script: ["true"], variables: given(option) });
      return result.failureReason === "script_failure" &&
        result.log.includes("SCHEDULER_PARAMETERS")
        ? undefined
        : seen(result);
    },
  },
  {
    name: "variables with quotes and newlines arrive on the node",
    async run(site, given) {
      const odd = "a'b\"c\nd";
      const variables = [...given(), { key: "ODD", value: odd, raw: true }];
      const result = await site
        .runner()
        .run({ id: 5, name: "odd", script: ['printf "[%s]" "$ODD"'], variables });
      return result.log.includes(`[${odd}]`) ? undefined : seen(result);
    },
  },
];

function seen(result: JobResult): string {
  return `${result.status}, ${result.failureReason ?? "no reason"}, exit code ${result.exitCode ?? "none"}:\n${result.log}`;
}

const { values } = parseArgs({
  options: {
    executor: { type: "string" },
    "data-dir": { type: "string" },
    arguments: { type: "string", default: "" },
    bin: { type: "string" },
  },
});
if (values.executor === undefined)
  throw new Error("Usage: npm run conformance -- --executor slurm|flux|pbs|lsf");
build({ architectures: architectures(true) });
const site = makeSite({
  executor: values.executor,
  ...(values["data-dir"] && { dataDir: values["data-dir"] }),
  more: ["[batch]", ...(values.bin ? [`scheduler_bin = ${JSON.stringify(values.bin)}`] : [])],
});
let passed = 0;
for (const { name, run } of CHECKS) {
  const given = (more = "") => [
    { key: "SCHEDULER_PARAMETERS", value: `${values.arguments} ${more}`.trim() },
  ];
  const problem = await run(site, given);
  console.log(problem === undefined ? `ok      ${name}` : `FAILED  ${name}\n${problem}`);
  if (problem === undefined) passed++;
}
site.close();
console.log(`${passed} passed, ${CHECKS.length - passed} failed`);
process.exitCode = passed === CHECKS.length ? 0 : 1;
