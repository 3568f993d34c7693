import { afterAll, expect, test } from "bun:test";
import { idIn, steps } from "../../batch/outcome.ts";
import { makeSite, type Site } from "../../e2e/site.ts";
import { type Flux, startFlux } from "./cluster.ts";

// What is special to Flux; what holds for all schedulers is in ../standins.test.ts.

const closing: (() => void)[] = [];
afterAll(() => {
  for (const close of closing) close();
});

function place(path: (flux: Flux) => string): { readonly flux: Flux; readonly site: Site } {
  const flux = startFlux();
  const variables = [`FLUX_URI=${flux.uri}`, `PATH=${path(flux)}`];
  const site = makeSite({
    executor: "flux",
    more: [
      "[batch]",
      `scheduler_bin = "${flux.bin}"`,
      `env_vars = ${JSON.stringify(variables)}`,
      'command_delay = "1s"',
      'nfs_timeout = "2s"',
      'impossible_after = "1s"',
    ],
  });
  closing.push(flux.stop, site.close);
  return { flux, site };
}

test.concurrent("a job that somebody holds is shown, and cancelled after impossible_after", async () => {
  const { flux, site } = place(({ bin }) => `$PATH:${bin}`);
  const variables = [{ key: "SCHEDULER_PARAMETERS", value: "--begin-time=+1h" }];
  const hold = (log: string) => void flux.run("job", "urgency", idIn(log), "hold");
  const result = await site
    .runner()
    .run(
      { id: 12, name: "x", script: ["true"], variables },
      steps(["waits: dependency begin-time=", hold]),
    );
  expect([result.failureReason, result.attempts]).toEqual(["script_failure", 1]);
  expect(result.log).toMatch(/waits: dependency begin-time=/);
  expect(result.log).toContain("waits: held (urgency 0)");
  expect(result.log).toContain("impossible_after");
  expect(flux.run("jobs", "-a", "-no", "{state} {result} {returncode}")).toBe(
    "INACTIVE CANCELED -128",
  );
});

test.concurrent("Flux' own lines about a failed script are in the log, and its status is the script's", async () => {
  const { flux, site } = place(({ bin }) => `$PATH:${bin}`);
  const result = await site.runner().run({ id: 13, name: "x", script: ["exit 7"] });
  expect(result.exitCode).toBe(7);
  expect(result.log).toMatch(/broker\.err\[0\]: rc2\.0: .* Exited \(rc=7\)/);
  expect(flux.run("jobs", "-a", "-no", "{state} {result} {returncode}")).toBe("INACTIVE FAILED 7");
});

test.concurrent("a job that does not find flux in its PATH is not the user's fault", async () => {
  const { site } = place(() => "/usr/bin:/bin");
  const result = await site.runner({ retryWait: 10 }).run({ id: 20, name: "x", script: ["true"] });
  expect(result.failureReason).toBe("runner_system_failure");
  expect(result.log).toContain("start failed: flux: No such file or directory");
  expect(result.log).toContain("FAILED with status 127");
});
