import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { until } from "../../e2e/processes.ts";
import { type PbsCluster, startPbs } from "./cluster.ts";

// What was measured on OpenPBS 23.06, and what the stand-in must therefore do.
let dir = "";
let cluster: PbsCluster;
beforeAll(() => {
  dir = mkdtempSync("/var/tmp/jacamar-pbs-test-");
  cluster = startPbs();
  writeFileSync(`${dir}/ok.sh`, "#!/bin/bash\npwd\numask\nexit 7\n");
  writeFileSync(`${dir}/crlf.sh`, "#!/bin/bash\r\n");
});
afterAll(async () => {
  await cluster.stop();
  rmSync(dir, { recursive: true, force: true });
});

const own = (name: string) => [
  ...["-f", "-C", "", "-r", "n", "-N", name, "-j", "oe", "-k", "oed", "-o", `${dir}/${name}`],
];
const qsub = (words: readonly string[], script = "ok.sh") =>
  cluster.run(["qsub", ...words, ...own("x"), `${dir}/${script}`]);
const qstat = (id: string, ...words: string[]) => cluster.run(["qstat", "-f", ...words, id]);

describe("qsub refuses", () => {
  test.each([
    [["-q", "nosuch"], 170, "qsub: Unknown queue"],
    [["-q", "disabled"], 173, "qsub: Queue is not enabled"],
    [["-q", "private"], 159, "qsub: Unauthorized Request "],
    [["-q", "workq@other"], 160, "Unknown Host."],
    [["-l", "nosuch=1"], 187, "qsub: Unknown resource Resource_List.nosuch"],
    [["-l", "select=1:foo=2"], 187, "qsub: Unknown resource: foo"],
    [["-l", "walltime=abc"], 166, "Illegal attribute or resource value Resource_List.walltime"],
    [["-l", "walltime=10:00 "], 2, "qsub: illegal -l value\nusage:"],
    [["-q", "short", "-l", "walltime=1:00:00"], 188, "Job violates queue"],
    [["-l", "place=excl"], 7, 'Cannot have "place" without "select"'],
    [["-Y"], 2, "qsub: invalid option -- 'Y'\nusage:"],
    [["--time=1"], 2, "qsub: invalid option -- '-'"],
    [["-S", "bash"], 2, "qsub: illegal -S value"],
    [["-W", "nosuch=1"], 154, "qsub: Error (15002) submitting job"],
    [["-W", "block"], 2, "qsub: illegal -W value"],
    [["-v", "NOTSET"], 1, "qsub: cannot send environment with the job"],
    [["-I"], 1, "standard input and output must be a terminal"],
  ])("%j", (words, status, says) => {
    const done = qsub(words);
    expect([done.status, done.stdout]).toEqual([status, ""]);
    expect(done.stderr).toContain(says);
  });

  test("a script that is none, and words before or after it", () => {
    for (const [words, status, says] of [
      [[`${dir}/nosuch`], 1, "qsub: script file:: No such file or directory"],
      [[dir], 1, "qsub: script not a file"],
      [[`${dir}/crlf.sh`], 1, "qsub: script contains cr, lf"],
      [["-N", "a b", `${dir}/ok.sh`], 2, "qsub: illegal -N value"],
      [[`${dir}/ok.sh`, "-N", "x"], 2, "usage:"],
    ] as const) {
      const done = cluster.run(["qsub", "-f", ...words]);
      expect(done.status).toBe(status);
      expect(done.stderr).toContain(says);
    }
  });
});

test("a finished job is known only with history, a running one always, but not with -x without history", async () => {
  const id = cluster.run(["qsub", ...own("seen"), `${dir}/ok.sh`]).stdout.trim();
  expect(id).toMatch(/^\d+\.srv$/);
  expect(cluster.run(["qselect", "-N", "seen"]).stdout).toBe(`${id}\n`);
  expect(JSON.parse(qstat(id, "-F", "json").stdout).Jobs[id].job_state).toMatch(/^[QR]$/);
  const blind = qstat(id, "-x", "-F", "json");
  expect([blind.status, JSON.parse(blind.stdout).Jobs]).toEqual([0, undefined]);
  expect(blind.stderr).toContain("PBS is not configured to maintain job history");
  await until(() => !cluster.queue().includes(id), "the job's end");
  expect(qstat(id).stderr).toBe(`qstat: Unknown Job Id ${id}\n`);
  expect(cluster.run(["qdel", id])).toMatchObject({ status: 153 });
  cluster.on("history");
  expect(qstat(id).status).toBe(35);
  expect(cluster.run(["qdel", id])).toMatchObject({ status: 35 });
  const job = JSON.parse(qstat(id, "-x", "-F", "json").stdout).Jobs[id];
  expect(job).toMatchObject({ job_state: "F", substate: 93, Exit_status: 7, run_count: 1 });
  expect(qstat("999.srv", "-x").status).toBe(153);
  cluster.off("history");
  // In the home, not where it was submitted.
  expect(readFileSync(`${dir}/seen`, "utf8")).toMatch(/^\/var\/tmp\/jacamar-pbs-\w+\n0077\n$/);
  expect(statSync(`${dir}/seen`).mode & 0o777).toBe(0o600);
});

test("an output that cannot be written holds the job for ever, with an Exit_status", async () => {
  const words = ["-f", "-r", "n", "-N", "held", "-j", "oe", "-k", "oed", "-o", `${dir}/no/such`];
  const id = cluster.run(["qsub", ...words, `${dir}/ok.sh`]).stdout.trim();
  await until(() => qstat(id).stdout.includes("job_state = H"), "the job is held");
  for (const line of ["substate = 20", "Exit_status = -3", "run_count = 21", "too many failed"])
    expect(qstat(id).stdout).toContain(line);
  expect(cluster.run(["qdel", id]).status).toBe(0);
});

test("output is appended to, a directive after a colon counts, and -C '' makes none count", async () => {
  const script = `${dir}/directive.sh`;
  writeFileSync(
    script,
    `#!/bin/bash\n:\n#PBS -N named\n#PBS -o ${dir}/directed -j oe -k oed\necho new\n`,
  );
  chmodSync(script, 0o755);
  writeFileSync(`${dir}/directed`, "old\n");
  const id = cluster.run(["qsub", "-f", script]).stdout.trim();
  expect(qstat(id).stdout).toContain("Job_Name = named");
  await until(() => !cluster.queue().includes(id), "the job's end");
  expect(readFileSync(`${dir}/directed`, "utf8")).toBe("old\nnew\n");
});

test("a server that is down", () => {
  const down = startPbs("down");
  expect(down.run(["qsub", ...own("x"), `${dir}/ok.sh`])).toMatchObject({
    status: 162,
    stderr: "Connection refused\nqsub: cannot connect to server srv (errno=15010)\n",
  });
  expect(down.run(["qstat", "-x", "-f", "1.srv"]).status).toBe(255);
  expect(down.run(["qdel", "1.srv"]).status).toBe(162);
  return down.stop();
});
