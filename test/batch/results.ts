import { existsSync, readdirSync } from "node:fs";
import { type Behaviour, jobOf } from "./behaviour.ts";
import type { Place } from "./cluster.ts";
import { idIn, must, mustBe } from "./outcome.ts";
import { REQUESTS } from "./requests.ts";

async function gone(place: Place, log: string): Promise<void> {
  must(await place.isOver(idIn(log)), `the scheduler still has the job:\n${log}`);
}

/** What becomes of a job that nothing cuts short. */
export const RESULTS: readonly Behaviour[] = [
  {
    name: "a script's own status is GitLab's, and the scheduler's variables are the script's alone",
    async run(cluster) {
      const { idVariable } = REQUESTS[cluster.scheduler];
      const place = cluster.place();
      const script = [`echo job=$${idVariable}`, "echo to stderr >&2", "umask", "echo in=$PWD"];
      const run = (status: number) =>
        place.runner({ concurrentId: status }).run(
          jobOf(cluster, [...script, `exit ${status}`], {
            afterScript: [`echo after=[$${idVariable}]`],
          }),
        );
      const [good, bad] = await Promise.all([run(0), run(7)]);
      mustBe(good, { status: "success", hookCode: 0 });
      mustBe(bad, { reason: "script_failure", exitCode: 7, attempts: 1 });
      for (const { log, projectDir } of [good, bad]) {
        const id = idIn(log);
        must(
          new RegExp(`^job=${id.replaceAll(/[.[\]]/g, "\\$&")}$`, "m").test(log) ||
            /^job=f/m.test(log),
          log,
        );
        must(log.includes("to stderr\n") && log.includes(`in=${projectDir}\n`), log);
        must(log.includes("after=[]"), `the scheduler's variable is in after_script:\n${log}`);
        must(!log.includes("runner-secret"), log);
        await gone(place, log);
      }
      const { dataDir } = place.site;
      for (const left of [`${dataDir}/batch`, `${dataDir}/scripts/widget_31`])
        must(!existsSync(left) || readdirSync(left).length === 0, `something is left in ${left}`);
    },
  },
  {
    name: "output arrives whole: in order, any bytes, carriage returns, no newline at the end",
    async run(cluster) {
      const lines = 3000;
      const script = [
        `for i in {1..${lines}}; do echo "line $i of ${lines}"; done`,
        "printf 'step 1\\rstep 2\\rstep 3\\n'",
        "printf 'bytes \\000\\001\\377\\376 end\\n'",
        "printf 'no newline at the end'",
      ];
      const { log, ...result } = await cluster.place().runner().run(jobOf(cluster, script));
      mustBe({ ...result, log }, { status: "success" });
      const wanted = Array.from({ length: lines }, (_, i) => `line ${i + 1} of ${lines}\n`);
      must(log.includes(wanted.join("")), `lines are missing or out of order:\n${log}`);
      must(log.split("line 1 of").length === 2, `output is there twice:\n${log}`);
      for (const text of [
        "step 1\rstep 2\rstep 3\n",
        "bytes \0\u0001\ufffd\ufffd end\n",
        "no newline at the end",
      ])
        must(log.includes(text), `${JSON.stringify(text)} is missing:\n${log}`);
    },
  },
  {
    name: "variables with quotes and newlines arrive in the script",
    async run(cluster) {
      const odd = `a'b"c\nd $HOME \\ é`;
      const result = await cluster
        .place()
        .runner()
        .run(
          jobOf(cluster, ['printf "[%s]" "$ODD"'], {
            variables: [{ key: "ODD", value: odd, raw: true }],
          }),
        );
      mustBe(result, { status: "success", says: [`[${odd}]`] });
    },
  },
  {
    name: "variables of the runner that act like options do not reach the submission",
    async run(cluster) {
      const place = cluster.place();
      const { hostile } = REQUESTS[cluster.scheduler];
      const result = await place.runner({ env: hostile }).run(jobOf(cluster, ["echo arrived"]));
      mustBe(result, { status: "success", says: [/^arrived$/m] });
    },
  },
  {
    name: "arguments that would break the driver, and what the scheduler refuses, are the user's fault",
    async run(cluster) {
      const { illegal, refused } = REQUESTS[cluster.scheduler];
      const broken = { words: "-n 'two", says: /'two/ };
      const place = cluster.place();
      const runs = [illegal, refused, broken, { words: "script.sh", says: /"script\.sh"/ }].map(
        async ({ words, says }, i) => {
          const job = jobOf(cluster, ["echo has run"], { words });
          const result = await place.runner({ concurrentId: i }).run(job);
          const never = [/^has run$/m, "Submitted", "usage:"];
          mustBe(result, { reason: "script_failure", attempts: 1, says: [says], never });
        },
      );
      await Promise.all(runs);
    },
  },
  {
    name: "a request that can never run is shown, and does not wait for ever",
    async run(cluster) {
      const place = cluster.place({ batch: ['impossible_after = "2s"'] });
      const failed = await place.runner().run(jobOf(cluster, ["exit 3"]));
      const { words, says } = REQUESTS[cluster.scheduler].impossible(idIn(failed.log));
      const result = await place.runner().run(jobOf(cluster, ["echo has run"], { words }));
      mustBe(result, {
        reason: "script_failure",
        attempts: 1,
        says: [says],
        never: [/^has run$/m],
      });
      if (!result.log.includes("Submitted")) return;
      await gone(place, result.log);
    },
  },
  {
    name: "many jobs at once all end with their own status and output",
    async run(cluster) {
      const place = cluster.place();
      const jobs = Array.from({ length: cluster.manyJobs }, (_, i) =>
        place
          .runner({ concurrentId: i })
          .run(jobOf(cluster, [`echo number $((${i} + 1000))`, `exit ${i % 5}`], { id: 100 + i })),
      );
      for (const [i, result] of (await Promise.all(jobs)).entries()) {
        const status = i % 5 === 0 ? ({ status: "success" } as const) : { exitCode: i % 5 };
        mustBe(result, { ...status, says: [new RegExp(`^number ${i + 1000}$`, "m")] });
        await gone(place, result.log);
      }
    },
  },
  {
    name: "an ordinary user's job runs as that user",
    needs: ["user"],
    async run(cluster) {
      const { user } = cluster;
      const script = ["echo uid=$(id -u)", "touch file && echo written", "exit 3"];
      const result = await cluster
        .place(user && { user })
        .runner()
        .run(jobOf(cluster, script));
      mustBe(result, { exitCode: 3, says: [`uid=${user?.uid}\n`, "written\n"] });
    },
  },
  ...(["", "disable_convert = true"] as const).map(
    (line): Behaviour => ({
      name: `a job with an image runs in it on a node, ${line === "" ? "from one SquashFS file" : line}`,
      needs: ["image"],
      async run(cluster) {
        const { idVariable } = REQUESTS[cluster.scheduler];
        const place = cluster.place({ charliecloud: line === "" ? [] : [line] });
        const script = ["echo in=$CH_RUNNING.", `echo job=$${idVariable}`, "touch file; exit 5"];
        const image = { name: cluster.image?.name ?? "" };
        const job = jobOf(cluster, script, { image, afterScript: ["ls"] });
        const result = await place.runner().run(job);
        const packed = /ch-run .*image\.sqfs -- /;
        mustBe(result, {
          exitCode: 5,
          says: [...(line === "" ? [packed] : []), /^in=.+\.$/m, /^job=\w+/m, /^file$/m],
          ...(line !== "" && { never: ["image.sqfs"] }),
        });
        await gone(place, result.log);
      },
    }),
  ),
];
