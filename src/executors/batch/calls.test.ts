import { expect, test } from "bun:test";
import { schedulerEnvironment } from "./calls.ts";
import { slurm } from "./slurm.ts";

const INPUT = {
  scheduler: slurm,
  hook: { SLURM_CONF: "/etc/hook.conf", SBATCH_ACCOUNT: "runner", SLURM_JOB_ID: "1" },
  login: { PATH: "/usr/bin", SLURM_TIME_FORMAT: "relative", SITE: "/opt/site" },
  user: { name: "ann", home: "/home/ann" },
  envVars: [],
  directory: undefined,
};

test("the scheduler's commands get a small environment, in which no variable is an option", () => {
  expect(schedulerEnvironment(INPUT)).toEqual({
    SLURM_CONF: "/etc/hook.conf",
    HOME: "/home/ann",
    USER: "ann",
    LOGNAME: "ann",
    PATH: "/usr/bin",
    LC_ALL: "C",
  });
});

test("env_vars are added and win; their $NAME are the login shell's and nothing else", () => {
  const env = schedulerEnvironment({
    ...INPUT,
    envVars: [
      "SLURM_CONF=${SITE}/slurm.conf",
      "LC_ALL=C.UTF-8",
      "NONE=[$toString$SBATCH_ACCOUNT]",
      "A=b=c",
    ],
  });
  expect(env).toMatchObject({
    SLURM_CONF: "/opt/site/slurm.conf",
    LC_ALL: "C.UTF-8",
    NONE: "[]",
    A: "b=c",
  });
});

test("the directory of scheduler_bin follows the login shell's PATH", () => {
  const env = schedulerEnvironment({ ...INPUT, directory: "/opt/slurm/bin" });
  expect(env["PATH"]).toBe("/usr/bin:/opt/slurm/bin");
});
