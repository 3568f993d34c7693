import { existsSync, readdirSync } from "node:fs";
import type { JobResult } from "../../src/runner/types.ts";
import { processesWith } from "../e2e/processes.ts";
import { type Behaviour, jobOf } from "./behaviour.ts";
import { eventually, hooksIn, idIn, must, mustBe, steps } from "./outcome.ts";
import { REQUESTS } from "./requests.ts";

/** A script that would be green if its being cut short did not count. */
const STUBBORN = ["trap 'exit 0' TERM INT", "echo ready", "sleep 300 & wait"];
const READY = "\nready\n";
/** A duration that nobody else sleeps for. */
let sleeps = 48_200 + (process.pid % 1000);

/** Never green, with the reason; one that PBS has no record of is a system failure that names what would keep it. */
function mustBeDeleted(result: JobResult): void {
  const isLost = result.log.includes("job_history_enable");
  mustBe(result, {
    status: "failed",
    reason: isLost ? "runner_system_failure" : "script_failure",
    attempts: 1,
    says: isLost ? [] : [/was (cancelled|deleted|ended).*and not by this CI job/],
    never: [/^has run$/m],
  });
}

/** What happens to a job before its script's own end. */
export const ENDS: readonly Behaviour[] = [
  // First, since it takes longest.
  {
    name: "the time limit is the user's fault, and the option is named",
    async run(cluster) {
      const { words, says } = REQUESTS[cluster.scheduler].limit;
      const place = cluster.place();
      const script = ["trap 'exit 0' TERM INT USR2", "echo ready", "sleep 300 & wait"];
      const result = await place.runner().run(jobOf(cluster, script, { words }));
      mustBe(result, { reason: "script_failure", attempts: 1, says: [says] });
      must(await place.isOver(idIn(result.log)), "the scheduler still has the job");
    },
  },
  {
    name: "a cancel ends the scheduler's job, after_script runs, and it is not green",
    async run(cluster) {
      for (const image of cluster.image === undefined ? [undefined] : [undefined, cluster.image]) {
        const place = cluster.place(image && { charliecloud: [] });
        const job = jobOf(cluster, STUBBORN, {
          ...(image && { image: { name: image.name } }),
          afterScript: ["echo after=$CI_JOB_STATUS"],
        });
        const result = await place
          .runner()
          .run(job, { cancelDuring: { stage: "build_script", onText: "ready\n" } });
        mustBe(result, {
          status: "canceled",
          hookCode: 2,
          says: ["after=canceled"],
          never: ["is not seen to have ended"],
        });
        must(await place.isOver(idIn(result.log)), "the scheduler still has the job");
      }
    },
  },
  {
    name: "a job that somebody deletes while it runs is not green",
    async run(cluster) {
      const place = cluster.place();
      const result = await place
        .runner()
        .run(jobOf(cluster, STUBBORN), steps([READY, (log) => place.remove(idIn(log))]));
      mustBeDeleted(result);
    },
  },
  {
    name: "a job that somebody deletes while it waits is not green",
    async run(cluster) {
      const place = cluster.place();
      const job = jobOf(cluster, ["echo has run"], { words: REQUESTS[cluster.scheduler].later() });
      const result = await place
        .runner()
        .run(job, steps([" waits: ", (log) => place.remove(idIn(log))]));
      mustBeDeleted(result);
    },
  },
  {
    name: "a job whose submission's answer was lost is found by its name and runs once",
    needs: ["lost answers"],
    async run(cluster) {
      const place = cluster.place();
      place.loseAnswer?.();
      const result = await place.runner().run(jobOf(cluster, ["echo once", "exit 5"]));
      mustBe(result, { exitCode: 5, attempts: 1 });
      must(result.log.match(/^once$/gm)?.length === 1, `not once:\n${result.log}`);
    },
  },
  {
    name: "a scheduler that is away for a while harms neither a submission nor a job, and that is said once",
    needs: ["outage", "local"],
    isAlone: true,
    async run(cluster) {
      const place = cluster.place();
      const { outage } = place;
      const seen = `${place.site.dir}/back`;
      const back = async () => {
        await outage?.start();
        await Bun.write(seen, "");
      };
      const script = ["echo ready", `until [ -e ${seen} ]; do sleep 0.1; done`, "exit 4"];
      const result = await place.runner().run(jobOf(cluster, script), {
        beforeStage: (stage) => (stage === "build_script" ? outage?.stop("submission") : undefined),
        ...steps(
          ["trying again", () => outage?.start()],
          [
            READY,
            async () => {
              await outage?.stop("run");
              if (!outage?.isNoticed) setTimeout(back, 3000);
            },
          ],
          ["the job goes on", back],
        ),
      });
      mustBe(result, { exitCode: 4, attempts: 1, says: ["trying again"] });
      const said = result.log.match(/does not answer .*the job goes on/g)?.length ?? 0;
      must(said === (outage?.isNoticed ? 1 : 0), `said ${said} times:\n${result.log}`);
    },
  },
  {
    name: "a job whose hook was killed is cancelled by cleanup",
    async run(cluster) {
      const place = cluster.place();
      const { dir, dataDir } = place.site;
      const kill = () => {
        for (const pid of hooksIn(`${dir}/tmp`)) process.kill(pid, "SIGKILL");
      };
      const runner = place.runner({ gracefulKill: 100, forceKill: 100 });
      const result = await runner.run(jobOf(cluster, STUBBORN), steps([READY, kill]));
      mustBe(result, { reason: "runner_system_failure" });
      await eventually(() => place.isOver(idIn(result.log)), "the scheduler's job is over");
      const records = `${dataDir}/batch`;
      must(!existsSync(records) || readdirSync(records).length === 0, "a record is left");
    },
  },
  {
    name: "what a script leaves in the background does not outlive its job, however that ends",
    needs: ["local"],
    async run(cluster) {
      const place = cluster.place();
      const runs = [false, true].map(async (isCancelled, i) => {
        const sleep = `sleep ${sleeps++}`;
        const script = [`setsid ${sleep} & (${sleep} &)`, "echo ready", isCancelled ? "wait" : ":"];
        const cancel = { cancelDuring: { stage: "build_script", onText: "ready\n" } };
        const result = await place
          .runner({ concurrentId: i })
          .run(jobOf(cluster, script), isCancelled ? cancel : {});
        mustBe(result, { status: isCancelled ? "canceled" : "success" });
        must(processesWith(sleep).length === 0, `${sleep} still runs:\n${result.log}`);
      });
      await Promise.all(runs);
    },
  },
];
