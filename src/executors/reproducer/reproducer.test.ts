import { afterAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { freshDirectory } from "../../../test/fixtures/directory.ts";
import { mustRun } from "../../../test/fixtures/must-run.ts";
import type { Job } from "../../job/job.ts";
import type { BatchRecipe, Recipe } from "../attempt.ts";
import { spoolFiles } from "../batch/batch-plan.ts";
import { type ReproducerInput, reproducerText } from "./reproducer.ts";

const fresh = freshDirectory("reproducer");
afterAll(() => fresh.remove());

const SCRIPTS = "/data/scripts/p_1/000";
const job: Job = {
  id: "4711",
  name: "evil\nname; exit 1",
  source: "payload",
  project: { id: "1", name: "p" },
  timeout: 60,
  uses: { artifacts: false, cache: false },
  registries: [],
  traceSections: true,
  concurrentId: 0,
  variables: {
    CI_PROJECT_DIR: "/data/builds/p_1/000/it's p",
    CI_JOB_TOKEN: "tok-123456",
    CI_REPOSITORY_URL: "https://gitlab-ci-token:tok-123456@git.example/p.git",
  },
};
const inContainer: Recipe = {
  kind: "container",
  argv: ["/usr/bin/ch-run", "--set-env", "/cache/image.sqfs", "--"],
  env: { PATH: "/usr/bin", JACAMAR_CI_TOKEN: "mark", https_proxy: "http://u:pass@proxy:1" },
  interpreter: "/bin/sh",
  shell: "/bin/sh",
};

function textOf(more: Partial<ReproducerInput> = {}): string {
  const directories = {
    dataDir: "/data",
    projectKey: "p_1",
    slotName: "000",
    buildsRoot: "/data/builds",
    builds: "/data/builds/p_1/000",
    cache: "/data/cache/p_1",
    scripts: SCRIPTS,
    topDirectories: [],
    notes: [],
  };
  const text = reproducerText({
    job,
    script: { entries: ["make", "echo tok-123456"], files: [], secrets: ["CI_JOB_TOKEN"] },
    directories,
    claimDirectories: ["/data/claims/p_1"],
    recipe: inContainer,
    batch: undefined,
    directoriesToMake: [],
    filesToMake: [],
    redact: (value) => value.replaceAll("tok-123456", "[MASKED]"),
    umask: "22",
    ...more,
  });
  const path = `${fresh.path}/job.bash`;
  writeFileSync(path, text ?? "");
  mustRun(["bash", "-n", path]);
  mustRun(["shellcheck", path]);
  return text ?? "";
}

/** A plan as `prepare` writes it, for a scheduler that no test can start here. */
function pbs(inner: Recipe): BatchRecipe {
  const files = spoolFiles(SCRIPTS);
  return {
    scheduler: "pbs",
    programs: { qsub: "/opt/pbs/bin/qsub" },
    env: { PBS_CONF_FILE: "/etc/pbs.conf" },
    inner,
    recordFile: "/data/batch/token.json",
    plan: {
      scheduler: "pbs",
      version: "",
      arguments: { choice: "-q ci", because: "", from: "" },
      words: ["-q", "ci"],
      submit: [],
      files,
      times: { commandDelay: 1, nfsTimeout: 1, impossibleAfter: 1 },
      program: {
        bash: "/bin/bash",
        kind: inner.kind,
        command: [],
        directory: "/data/builds/p_1/000",
        record: "r",
        marker: files.marker,
        started: files.started,
        nonce: "NONCE",
        killGrace: 1,
      },
    },
  };
}

test("of a container job starts ch-run as the job did, without the mark of the job and without secrets", () => {
  const text = textOf();
  expect(text).toContain(
    `command=(/usr/bin/ch-run --set-env /cache/image.sqfs -- /bin/sh ${SCRIPTS}/reproduce/build_script.script)`,
  );
  expect(text).toContain('environment=(PATH=/usr/bin "https_proxy=${https_proxy-}")');
  expect(text).toContain(
    'export CI_REPOSITORY_URL=https://gitlab-ci-token:"$CI_JOB_TOKEN"@git.example/p.git',
  );
  expect(text).toContain("echo [MASKED]");
  for (const absent of ["tok-123456", "u:pass", "JACAMAR_CI_TOKEN"])
    expect(text).not.toContain(absent);
});

test("of a batch job submits the same words, with the generated program and files of its own", () => {
  for (const inner of [
    inContainer,
    { ...inContainer, kind: "host", argv: ["/bin/bash", "--login"] } as const,
  ]) {
    const text = textOf({ recipe: inner, batch: pbs(inner) });
    expect(text).toMatch(
      /^command=\(\/opt\/pbs\/bin\/qsub .*-q ci .*ciagain4711.*\/reproduce\/batch\/job\.bash\)$/m,
    );
    expect(text).toContain("environment=(PBS_CONF_FILE=/etc/pbs.conf");
    expect(text).toContain(`marker=${SCRIPTS}/reproduce/batch/result\n`);
    expect(text).toContain(`${inner.argv.join(" ")} ${SCRIPTS}/reproduce/build_script.bash)\n`);
    expect(text).not.toContain("tok-123456");
  }
});

test("there is none when nobody knows where the job ran", () => {
  expect(textOf({ job: { ...job, variables: {} } })).toBe("");
});
