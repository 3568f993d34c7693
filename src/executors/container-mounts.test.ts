import { expect, test } from "bun:test";
import { BUILDS, planned, STORED, type Wanted } from "../../test/fixtures/container-plan.ts";
import { type ContainerPlan, containerCommand } from "./container-plan.ts";

test("--write-fake from 0.36 on; before that, the image must offer every mount point", async () => {
  for (const [chRun, choice] of [
    ["0.36", true],
    ["0.45.2", true],
    ["0.31", false],
    ["", false],
  ] as const) {
    const plan = await planned({ chRun, table: STORED });
    expect([chRun, plan.writeFake.choice, plan.options.writeFake]).toEqual([chRun, choice, choice]);
    expect(plan.mountPoints.map(({ target, filesOnly }) => [target, filesOnly])).toEqual([
      [BUILDS, choice],
      ["/data/cache/p_1", choice],
      ["/data/scripts/p_1/000", choice],
    ]);
  }
});

test("a cached image has the roots of all jobs, and the job itself the rest of the mount points", async () => {
  const plan = await planned({ chRun: "0.31" });
  expect(plan.mountPoints.map(({ target }) => target)).toEqual(["/data"]);
  const [root, ...binds] = chRunBinds(plan);
  expect(root).toBe("/data/scripts/p_1/000/mounts/0:/data");
  expect(binds).toEqual([BUILDS, "/data/cache/p_1", "/data/scripts/p_1/000"]);
  expect(plan.below.map(({ path }) => path)).toEqual([
    "/data/scripts/p_1/000/mounts/0/builds/p_1/000",
    "/data/scripts/p_1/000/mounts/0/cache/p_1",
    "/data/scripts/p_1/000/mounts/0/scripts/p_1/000",
  ]);
  expect(containerCommand(plan, "x", []).join(" ")).not.toContain("--storage");
});

function chRunBinds(plan: ContainerPlan): string[] {
  return containerCommand(plan, "x", []).flatMap((word) => /^--bind=(.*)/.exec(word)?.[1] ?? []);
}

test("whatever is bound from /srv switches --write-fake off, and the log says so", async () => {
  const table = ['user_volume_variable = "V"', "custom_options = []"];
  for (const wanted of [
    { dataDir: "/srv/data" },
    { table, variables: { V_0: "/srv:/x" } },
    { table, variables: { V_0: "/data/../srv/./a:/x" } },
    { variables: { JACAMAR_CI_CHARLIECLOUD_ARGS: "-b /srv/a" } },
    { table: ['custom_options = ["--bind=/srv/tools:/tools"]'] },
  ] satisfies Wanted[]) {
    const plan = await planned(wanted);
    expect([wanted, plan.options.writeFake]).toEqual([wanted, false]);
    expect(plan.notes.join()).toMatch(/read-only: --write-fake would hide \/.*srv/);
    expect(plan.mountPoints.every(({ filesOnly }) => !filesOnly)).toBe(true);
  }
  for (const source of ["/srv2/a:/srv", "/data/srv:/x"]) {
    const plan = await planned({ table, variables: { V_0: source } });
    expect([source, plan.options.writeFake, plan.notes]).toEqual([source, true, []]);
  }
});
