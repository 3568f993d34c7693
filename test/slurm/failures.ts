import { chmodSync, existsSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import type { PlaceOptions } from "../batch/cluster.ts";
import { eventually, idIn, must, mustBe, steps } from "../batch/outcome.ts";
import { type Parts, runnerOf } from "../batch/standin.ts";
import { mustRun } from "../fixtures/must-run.ts";
import type { SlurmCluster } from "../fixtures/slurm.ts";

export interface Started {
  readonly parts: Parts;
  readonly slurm: SlurmCluster;
}

export const CLOSED_NODE = "n3";

/** Starts a node's daemon again where nobody can open /dev/fuse, as on a node without the device. */
export async function hideFuse({ parts, slurm }: Started): Promise<void> {
  const node = CLOSED_NODE;
  await slurm.killNode(node);
  const closed = `${parts.dir}/closed`;
  writeFileSync(closed, "", { mode: 0 });
  const script = `mount --make-rprivate / && mount --bind ${closed} /dev/fuse && exec slurmd -D -N ${node} -f ${slurm.conf}`;
  const daemon = Bun.spawn(
    ["setpriv", "--pdeathsig", "KILL", "unshare", "-m", "sh", "-c", script],
    {
      stdio: ["ignore", "ignore", "ignore"],
    },
  );
  parts.atEnd(async () => {
    daemon.kill();
    await daemon.exited;
  });
  const states = () => slurm.run(["sinfo", "-h", "-n", node, "-o", "%T"]).stdout;
  await eventually(() => /^idle\n/.test(states()), `${node} takes jobs`);
}

export interface Failure {
  readonly name: string;
  readonly run: (tools: ReturnType<typeof toolsOf>) => Promise<void>;
}

/** What the jobs here have in common: none goes to the node without /dev/fuse unless it says so. */
export function toolsOf({ parts, slurm }: Started) {
  const place = (options: PlaceOptions & { readonly dataDir?: string } = {}) => {
    const site = parts.site("slurm", [`env_vars = ["SLURM_CONF=${slurm.conf}"]`], options);
    return { site, runner: runnerOf(site) };
  };
  const job = (script: readonly string[], words = `-x ${CLOSED_NODE}`) => ({
    id: 1,
    name: "x",
    script: [...script],
    variables: [{ key: "SCHEDULER_PARAMETERS", value: words }],
  });
  const scontrol = (...words: readonly string[]) => slurm.run(["scontrol", ...words]);
  const isOver = (id: string) =>
    !/^\d/m.test(slurm.run(["squeue", "-h", "-o", "%i", "-j", id]).stdout);
  return { parts, slurm, place, job, scontrol, isOver };
}

function spoolOf(dataDir: string): string {
  return `${dataDir}/scripts/widget_31/000/batch`;
}

/** What goes wrong on a node or is done to a job by those who run the cluster, provoked for real. */
export const FAILURES: readonly Failure[] = [
  {
    name: "a result that cannot be written into a directory that became read-only is never green",
    async run({ parts, place, job }) {
      const { user } = parts;
      const { site, runner } = place({ user });
      const spool = spoolOf(site.dataDir);
      const result = await runner().run(
        job(["echo ready", `until [ ! -w ${spool} ]; do sleep 0.1; done`, "echo done"]),
        steps(["\nready\n", () => chmodSync(spool, 0o500)]),
      );
      mustBe(result, {
        reason: "runner_system_failure",
        hookCode: 2,
        says: ["done\n", "cannot write the job's result to", "ended without the script's own exit"],
      });
      must(!existsSync(spool), "cleanup left the read-only directory");
    },
  },

  {
    name: "a disk that the script fills is never green, and what is wrong is said",
    async run({ parts, place, job, isOver }) {
      const disk = mkdtempSync(`${parts.dir}/disk-`);
      mustRun(["mount", "-t", "tmpfs", "-o", "size=8m,mode=755", "tmpfs", disk]);
      parts.atEnd(() => void mustRun(["umount", "--lazy", disk]));
      const { site, runner } = place({ dataDir: `${disk}/data` });
      const fill = `cat /dev/zero > ${site.dataDir}/full 2> /dev/null`;
      const result = await runner().run(job(["echo ready", `${fill} || echo full`, "exit 0"]));
      const says = [/Slurm job \d+.*no space is left on the file system of .*\[general\] data_dir/];
      mustBe(result, { reason: "runner_system_failure", hookCode: 2, says });
      must(isOver(idIn(result.log)), "Slurm still has the job");
    },
  },

  {
    name: "a node where nobody can open /dev/fuse is named, with the key to set",
    async run({ parts, place, job }) {
      const { runner } = place({ user: parts.user, charliecloud: [] });
      const variables = [{ key: "SCHEDULER_PARAMETERS", value: `-w ${CLOSED_NODE}` }];
      const picture = { image: { name: parts.image.name }, variables };
      const result = await runner().run({ ...job(["echo has run"]), ...picture });
      mustBe(result, {
        reason: "runner_system_failure",
        says: [/the node lets no user open \/dev\/fuse.*\[general\.charliecloud\] disable_convert/],
        never: [/^has run$/m],
      });
      // What the message advises helps.
      const other = place({ user: parts.user, charliecloud: ["disable_convert = true"] });
      const good = await other.runner().run({ ...job(["echo has run"]), ...picture });
      mustBe(good, { status: "success", says: [/^has run$/m] });
    },
  },

  {
    name: "a requeued job does not run its script again, and is never green",
    async run({ place, job, scontrol, isOver }) {
      const runs = [false, true].map(async (startsAgain) => {
        const { site, runner } = place();
        const again = async (log: string) => {
          const id = idIn(log);
          // The driver's --no-requeue, undone by an administrator.
          scontrol("update", `jobid=${id}`, "requeue=1");
          scontrol("requeue", id);
          if (!startsAgain) return;
          const state = () => scontrol("-o", "show", "job", id).stdout;
          await eventually(() => state().includes("JobState=PENDING"), "the job waits again");
          // Slurm itself would wait for two minutes.
          scontrol("update", `jobid=${id}`, "starttime=now");
        };
        const script = ["trap 'exit 0' TERM", "echo ready", "sleep 300 & wait"];
        const result = await runner().run(job(script), steps(["\nready\n", again]));
        // So soon after the first start, Slurm sometimes removes the second one's copy of the script: that ends with 1.
        const says = startsAgain
          ? /was started 2 times|was cut short by a signal from outside.*FAILED NonZeroExitCode 1:0/
          : /back into the queue/;
        mustBe(result, { reason: "runner_system_failure", says: [says] });
        must((result.log.match(/^ready$/gm)?.length ?? 0) < 2, "the script ran twice");
        await eventually(() => isOver(idIn(result.log)), "the job is gone");
        must(readdirSync(`${site.dataDir}/batch`).length === 0, "a record is left");
      });
      await Promise.all(runs);
    },
  },

  {
    name: "a hold is shown, and after its release the job is what its script makes of it",
    async run({ place, job, scontrol }) {
      const { runner } = place();
      const result = await runner().run(
        job(["exit 3"], `-x ${CLOSED_NODE} --begin=now+1hour`),
        steps(
          ["Submitted Slurm job", (log) => void scontrol("hold", idIn(log))],
          [
            "waits: held (JobHeldAdmin)",
            (log) => {
              scontrol("release", idIn(log));
              scontrol("update", `jobid=${idIn(log)}`, "starttime=now");
            },
          ],
        ),
      );
      mustBe(result, {
        exitCode: 3,
        says: ["waits: held (JobHeldAdmin)"],
      });
    },
  },

  {
    name: "a hold that stays ends the job, and who holds it decides whose fault it is",
    async run({ parts, slurm, place, job, isOver }) {
      const user = { uid: parts.user.uid, gid: parts.user.gid };
      for (const [as, word, reason] of [
        [{ user }, "JobHeldUser", "script_failure"],
        [{}, "JobHeldAdmin", "runner_system_failure"],
      ] as const) {
        const { runner } = place({ user: parts.user, batch: ['impossible_after = "1s"'] });
        const hold = (log: string) => void slurm.run(["scontrol", "hold", idIn(log)], as);
        const result = await runner().run(
          job(["true"], `-x ${CLOSED_NODE} --begin=now+1hour`),
          steps(["Submitted Slurm job", hold]),
        );
        mustBe(result, { reason, says: [`waits: held (${word})`, "impossible_after"] });
        must(isOver(idIn(result.log)), "Slurm still has the job");
      }
    },
  },
];
