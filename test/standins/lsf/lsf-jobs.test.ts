import { afterAll, expect, test } from "bun:test";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { steps } from "../../batch/outcome.ts";
import { closeClusters, cluster } from "./cluster.ts";

// What is special to LSF; what holds for all schedulers is in ../standins.test.ts.

afterAll(closeClusters);

test.concurrent("a success, in a cluster that would hide or change things", async () => {
  const here = cluster(["STANDIN_OLD_FIELDS=Y", "LSB_BJOBS_CONSISTENT_EXIT_CODE=Y"]);
  const result = await here.job(["pwd", "echo $PATH"]);
  expect(result.status).toBe("success");
  expect(result.log).toContain("/usr/bin");
});

test.concurrent("a status that the site calls a success, or runs again, is what it is", async () => {
  const lenient = cluster(["SUCCESS_EXIT_VALUES=7 1"]);
  expect((await lenient.job(["exit 7"])).exitCode).toBe(7);
  const stubborn = cluster(["REQUEUE_EXIT_VALUES=7 99"]);
  const result = await stubborn.job(["echo once", "exit 99"]);
  expect([result.exitCode, result.log.match(/^once$/gm)?.length]).toEqual([99, 1]);
  const hopeless = cluster(["REQUEUE_EXIT_VALUES=1"]);
  const again = await hopeless.job(["echo once", "exit 3"], "", {
    ...steps([
      "Submitted",
      () => {
        setTimeout(() => hopeless.run(["bkill", hopeless.unended()[0] ?? "none"]), 4000);
      },
    ]),
  });
  expect(again.status).toBe("failed");
  expect(again.log.match(/^once$/gm)?.length).toBe(1);
});

test.concurrent("what LSF refuses, and arguments that would break the driver, are the user's fault", async () => {
  const here = cluster();
  for (const [value, says] of [
    ["-n 65", "Too many processors requested"],
    ["-Jx", "-J is set by the driver"],
    ["-n 1 script.sh", '"script.sh" would become the command'],
  ] as const) {
    const result = await here.job(["true"], value);
    expect([value, result.failureReason, result.attempts]).toEqual([value, "script_failure", 1]);
    expect(result.log).toContain(says);
  }
  // Cleanup did not even ask: any question makes the stand-in's directory of jobs.
  expect(existsSync(`${here.dir}/jobs`)).toBe(false);
});

test.concurrent("cancel: LSF kills a job of several processes at once", async () => {
  const here = cluster();
  const script = ["trap 'exit 0' TERM INT", "echo ready", "sleep 300 & wait"];
  const cancel = { cancelDuring: { stage: "build_script", onText: "ready\n" } };
  const result = await here.job(script, "-n 4", cancel);
  expect(result.status).toBe("canceled");
  expect(result.log).toContain("canceled");
  expect(result.hooks.find((hook) => hook.stage === "build_script")?.code).toBe(2);
  expect(here.unended()).toEqual([]);
});

test.concurrent("bkill by somebody is never green, also where it is KILL at once", async () => {
  const here = cluster();
  const script = ["trap 'exit 0' TERM INT", "echo ready", "sleep 300 & wait"];
  const result = await here.job(
    script,
    "-n 4",
    steps(["ready\n", () => void here.run(["bkill", "0"])]),
  );
  expect([result.status, result.failureReason]).toEqual(["failed", "script_failure"]);
  expect(result.log).toMatch(/was cancelled, and not by this CI job \(TERM_OWNER/);
});

test.concurrent("the run limit is named also where bjobs knows fewer fields", async () => {
  const here = cluster(["STANDIN_MINUTE=1", "STANDIN_OLD_FIELDS=Y"]);
  const result = await here.job(
    ["trap 'exit 0' USR2 TERM", "echo ready", "sleep 300 & wait"],
    "-W 2",
  );
  expect(result.failureReason).toBe("script_failure");
  expect(result.log).toContain("reached its run limit; ask for more with -W");
  expect(here.unended()).toEqual([]);
});

test.concurrent("a lost host that comes back", async () => {
  const lost = cluster();
  const file = `${lost.dir}/host-lost`;
  const result = await lost.job(
    ["echo ready", "sleep 3"],
    "",
    steps([
      "ready\n",
      () => {
        writeFileSync(file, "");
        setTimeout(() => rmSync(file), 2000);
      },
    ]),
  );
  expect(result.status).toBe("success");
});

test.concurrent("a job that LSF has forgotten is what its own result says, and never well without one", async () => {
  for (const more of [[], ["STANDIN_NO_HISTORY=Y"]]) {
    const forgetful = cluster(["CLEAN_PERIOD=0", ...more]);
    expect((await forgetful.job(["exit 6"])).exitCode).toBe(6);
    if (more.length > 0) expect((await forgetful.job(["true"])).status).toBe("success");
    // Killed at once, before it could leave a result.
    const gone = await forgetful.job(
      ["echo ready", "sleep 300"],
      "-n 2",
      steps(["ready\n", () => void forgetful.run(["bkill", "0"])]),
    );
    expect(gone.status).toBe("failed");
  }
});

test.concurrent("LSF's report is not part of the log, and nothing is mailed", async () => {
  const here = cluster();
  const kept = `${here.dir}/kept`;
  const result = await here.job(["echo hello"], "", {
    afterHook: ({ stage }) => {
      if (stage === "build_script")
        writeFileSync(kept, readFileSync(`${here.dir}/jobs/101/output`));
    },
  });
  expect(result.status).toBe("success");
  // The wrapper writes the output itself, LSF's own copy has nothing.
  expect(readFileSync(kept, "utf8")).toBe("");
  for (const text of ["Sender: LSF System", "LSBATCH"]) expect(result.log).not.toContain(text);
  expect(existsSync(`${here.dir}/mail`)).toBe(false);
});

test.concurrent("the stand-in is not kinder than LSF: directory, PATH, mail", async () => {
  const here = cluster();
  const submit = (words: readonly string[]) =>
    /Job <(\d+)> is submitted/.exec(here.run(["bsub", "-env", "none", ...words]).text)?.[1] ?? "";
  const id = submit(["-cwd", "/nonexistent", "-oo", `${here.dir}/report`, "pwd; /usr/bin/env"]);
  submit(["-oo", "/nonexistent/report", "echo mailed"]);
  while (here.unended().length > 0) await Bun.sleep(50);
  const report = readFileSync(`${here.dir}/report`, "utf8");
  expect(report).toMatch(/^\/tmp$/m);
  expect(report).toContain(`LSB_JOBID=${id}`);
  expect(readFileSync(`${here.dir}/mail`, "utf8")).toContain("mailed");
  expect(here.run(["bjobs", "-a", "-noheader", "-o", "stat exit_code delimiter='^'", id])).toEqual({
    status: 0,
    text: "DONE^-\n",
  });
  expect(here.run(["bjobs", id]).text).toBe("No unfinished job found\n");
  expect(here.run(["bkill", id])).toEqual({
    status: 255,
    text: `Job <${id}>: Job has already finished\n`,
  });
});
