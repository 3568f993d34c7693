import { afterAll, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { JobControl } from "../../runner/types.ts";
import { closeClusters, cluster } from "./cluster.ts";

afterAll(closeClusters);

/** Calls `act` once, when the text has been seen. */
function when(text: string, act: () => void): JobControl {
  let seen = "";
  let done = false;
  return {
    onOutput: (piece) => {
      seen += piece;
      if (done || !seen.includes(text)) return;
      done = true;
      act();
    },
  };
}

test.concurrent("a host job: its output is in the log while it runs, its status is GitLab's", async () => {
  const here = cluster();
  let early = false;
  const result = await here.job(
    [
      "echo job=$LSB_JOBID",
      "echo first",
      `while [ ! -e ${here.dir}/go ]; do sleep 0.1; done`,
      "echo to stderr >&2",
      "printf 'no newline at the end'",
      "exit 7",
    ],
    "-W 5 -n 1",
    when("first\n", () => {
      early = here.unended().length === 1;
      writeFileSync(`${here.dir}/go`, "");
    }),
  );
  expect([result.failureReason, result.exitCode, early]).toEqual(["script_failure", 7, true]);
  expect(result.log).toMatch(/^job=\d+$/m);
  expect(result.log).toMatch(/bsub -W 5 -n 1 -rn -env none .*-J ci[a-z0-9]{13} /);
  expect(result.log).toContain("to stderr");
  expect(result.log).toContain("no newline at the end");
  expect(result.log).toContain("after=[]");
  expect(result.log).not.toContain("LSBATCH");
  expect(readdirSync(`${here.site.dataDir}/batch`)).toEqual([]);
  expect(existsSync(`${here.dir}/mail`)).toBe(false);
});

test.concurrent("a success, in a cluster that would hide or change things", async () => {
  const here = cluster(["STANDIN_OLD_FIELDS=Y", "LSB_BJOBS_CONSISTENT_EXIT_CODE=Y"], {
    env: { LSB_DEFAULTQUEUE: "stolen", BSUB_QUIET: "Y", BSUB_CHK_RESREQ: "Y", LSB_JOBID: "1" },
  });
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
    ...when("Submitted", () => {
      setTimeout(() => hopeless.run(["bkill", hopeless.unended()[0] ?? "none"]), 4000);
    }),
  });
  expect(again.status).toBe("failed");
  expect(again.log.match(/^once$/gm)?.length).toBe(1);
});

test.concurrent("what LSF refuses, and arguments that would break the driver, are the user's fault", async () => {
  const here = cluster();
  for (const [value, says] of [
    ["-q nosuch", "nosuch: No such queue. Job not submitted."],
    ["-n 65", "Too many processors requested"],
    ["-oo /tmp/x", '"-oo" is set by the driver'],
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

test.concurrent("a request that can never run is shown, and cancelled after impossible_after", async () => {
  const here = cluster([], { batch: ['impossible_after = "2s"'] });
  const first = here.run(["bsub", "-J", "first", "false"]).text.match(/Job <(\d+)> is sub/)?.[1];
  while (here.unended().length > 0) await Bun.sleep(50);
  const result = await here.job(["true"], `-w done(${first})`);
  expect([result.failureReason, result.attempts]).toEqual(["script_failure", 1]);
  expect(result.log).toContain("waits: Dependency condition invalid or never satisfied");
  expect(result.log).toContain("impossible_after");
  expect(here.unended()).toEqual([]);
});

test.concurrent("cancel: LSF's job ends, after_script runs, the hook's status is a failure", async () => {
  const here = cluster();
  for (const words of ["", "-n 4"]) {
    const result = await here.job(
      ["trap 'exit 0' TERM INT", "echo ready", "sleep 300 & wait"],
      words,
      {
        cancelDuring: { stage: "build_script", onText: "ready\n" },
      },
    );
    expect(result.status).toBe("canceled");
    expect(result.log).toContain("canceled");
    expect(result.hooks.find((hook) => hook.stage === "build_script")?.code).toBe(2);
    expect(here.unended()).toEqual([]);
  }
});

test.concurrent("bkill by somebody is never green, pending or running, in one process or several", async () => {
  const here = cluster();
  const kill = () => here.run(["bkill", "0"]);
  for (const words of ["-n 1", "-n 4"]) {
    const running = await here.job(
      ["trap 'exit 0' TERM INT", "echo ready", "sleep 300 & wait"],
      words,
      when("ready\n", kill),
    );
    expect(running.status).toBe("failed");
    expect(running.log).toContain("TERM_OWNER");
  }
  const pending = await here.job(["true"], "-b 23:59", when(" waits: ", kill));
  expect([pending.status, pending.failureReason]).toEqual(["failed", "script_failure"]);
  expect(pending.log).toMatch(/was cancelled, and not by this CI job \(TERM_OWNER/);
});

test.concurrent("the run limit is the user's fault and names the option, whatever bjobs knows", async () => {
  for (const parameters of [[], ["STANDIN_OLD_FIELDS=Y"]]) {
    const here = cluster(["STANDIN_MINUTE=1", ...parameters]);
    const result = await here.job(
      ["trap 'exit 0' USR2 TERM", "echo ready", "sleep 300 & wait"],
      "-W 2",
    );
    expect(result.failureReason).toBe("script_failure");
    expect(result.log).toContain("reached its run limit; ask for more with -W");
    expect(here.unended()).toEqual([]);
  }
});

test.concurrent("an answer lost at submission: the job is found by its name and runs once", async () => {
  const here = cluster();
  writeFileSync(`${here.dir}/lose-answer`, "");
  const result = await here.job(["echo once", "exit 5"]);
  expect([result.exitCode, result.log.match(/^once$/gm)?.length]).toEqual([5, 1]);
  expect(readdirSync(`${here.dir}/jobs`).length).toBe(1);
});

test.concurrent("LSF down for a while, at submission and while the job runs", async () => {
  const here = cluster();
  const down = `${here.dir}/down`;
  writeFileSync(down, "lim");
  const result = await here.job(["echo ready", "sleep 2", "exit 4"], "", {
    onOutput: (text) => {
      if (text.includes("does not answer")) rmSync(down);
      if (!text.includes("ready\n")) return;
      writeFileSync(down, "");
      setTimeout(() => rmSync(down), 3000);
    },
  });
  expect(result.exitCode).toBe(4);
  expect(result.log).toContain("LSF does not answer");
  expect(readdirSync(`${here.dir}/jobs`).length).toBe(1);
});

test.concurrent("a lost host that comes back", async () => {
  const lost = cluster();
  const file = `${lost.dir}/host-lost`;
  const result = await lost.job(
    ["echo ready", "sleep 3"],
    "",
    when("ready\n", () => {
      writeFileSync(file, "");
      setTimeout(() => rmSync(file), 2000);
    }),
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
      when("ready\n", () => forgetful.run(["bkill", "0"])),
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
  expect(result.log).not.toContain("Sender: LSF System");
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
