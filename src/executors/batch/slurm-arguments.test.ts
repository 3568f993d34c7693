import { describe, expect, test } from "bun:test";
import { checkSlurmArguments } from "./slurm-arguments.ts";

const FROM = "SCHEDULER_PARAMETERS";

/** The message, or "" for words that are accepted as they are. */
function complaint(words: readonly string[], allowIllegal = false): string {
  const checked = checkSlurmArguments(words, { fault: "user", from: FROM, allowIllegal });
  if (!checked.ok) return checked.refusal.message;
  expect(checked.value).toEqual(words);
  return "";
}

test.each([
  [[]],
  [["--nodes=2", "--ntasks", "4", "-t", "10", "-t10", "-N2", "-N", "2-4"]],
  [["-p", "debug", "-A", "-x", "--qos=high", "-q=high"]],
  [["--comment", "two words", "--comment=--output=x", "--comment", "--output=x"]],
  [["--exclusive", "--exclusive=user", "-s", "-O", "-sO", "-sON2", "-k", "-koff", "-sk"]],
  [
    [
      "--part=debug",
      "--acco",
      "me",
      "--time",
      "1",
      "--bb=spec",
      "--nice",
      "--nice=5",
      "--sig=B:15@30",
    ],
  ],
  [["--ignore-pbs", "--no-requeue", "--no-req", "--propagate", "--mem", "1G"]],
  [["--tres-per-task=cpu:2", "--segment=4", "--stepmgr", "--consolidate-segments"]],
  [["--time="]],
  [["-t", "--"]],
])("accepts %j", (words) => {
  expect(complaint(words)).toBe("");
});

test.each([
  // What a name stands for is said when it is not written in full.
  [["--out", "/x"], '"--out" (--output) is set by the driver: it follows the job\'s output'],
  [["--output=/x"], '"--output" is set by the driver: it follows the job\'s output'],
  [["-o/x"], '"-o/x" (--output) is set by the driver'],
  [["-o", "/x"], '"-o" (--output) is set by the driver'],
  [["-HJx"], '"-HJx" (--hold) would leave the job waiting'],
  [["-sJx"], '"-sJx" (--job-name) is set by the driver'],
  [["-WJx"], '"-WJx" (--wait) would block'],
  [["--er=x"], "(--error) would split"],
  [["-e", "x"], "(--error) would split"],
  [["--in", "x"], "(--input)"],
  [["-i", "x"], "(--input)"],
  [["--wait"], '"--wait" would block'],
  [["--pars"], "(--parsable)"],
  [["--jo=x"], "(--job-name)"],
  [["--ar=1-2"], "(--array) would make several jobs"],
  [["-a1-2"], "(--array)"],
  [["--wr=x"], "(--wrap) would replace"],
  [["--ch=/"], "(--chdir)"],
  [["-D/"], "(--chdir)"],
  [["--export=ALL"], "environment comes from the CI job"],
  [["--exp=ALL"], "environment comes from the CI job"],
  [["--export-f=x"], "(--export-file)"],
  [["--op=append"], "(--open-mode)"],
  [["--te"], "(--test-only)"],
  [["-h"], "(--help) makes sbatch submit no job"],
  [["--usa"], "(--usage)"],
  [["-V"], "(--version)"],
  [["-Q"], "(--quiet) hides"],
  [["--qui"], "(--quiet)"],
  [["-v"], "(--verbose)"],
  [["-vv"], "(--verbose)"],
  [["--ui=0"], "(--uid)"],
  [["--gi=0"], "(--gid)"],
  [["--get-user"], "(--get-user-env)"],
  [["-Mall"], "(--clusters)"],
  [["--cluster=x"], '"--cluster" would send'],
  [["--req"], "(--requeue) would run the script again"],
  [["--ho"], "(--hold)"],
  [["--bbf=/etc/passwd"], "write the specification into --bb"],
  [["--container=/x"], "image:"],
])("refuses %j: the driver's", (words, text) => {
  expect(complaint(words)).toStartWith(`${FROM}: `);
  expect(complaint(words)).toContain(text);
  expect(complaint(words, true)).toBe("");
});

test.each([
  [["--bogus"], '"--bogus" is no option of sbatch that the driver knows'],
  [["--bogus=1"], '"--bogus" is no option'],
  [["--wa"], '"--wa" can mean --wait-all-nodes, --wait; write the name in full'],
  [["--tim=1"], '"--tim" can mean --time, --time-min; write'],
  [["--ex=1"], '"--ex" can mean --exclude, '],
  [["-Z"], '"-Z" has "Z", no option of sbatch'],
  [["-sZ"], '"-sZ" has "Z"'],
  [["-é"], '"-é" has "é"'],
  [["--tres-per-task", "--x"], "needs its value in one word: --tres-per-task=…"],
])("refuses %j: not clear what it is", (words, text) => {
  expect(complaint(words)).toContain(text);
});

describe("whatever is allowed", () => {
  test.each([
    [["job.sh"], 'the word "job.sh" would become the script'],
    [[""], 'the word "" would become the script'],
    [["-"], 'the word "-" would become the script'],
    [["--nodes=2", "2"], 'the word "2" would become the script'],
    [["--nodes", "2", "3"], 'the word "3" would become the script'],
    [["--exclusive", "user"], 'the word "user" would become the script'],
    [["--nice", "5"], 'the word "5" would become the script'],
    [["-k", "off"], 'the word "off" would become the script'],
    [["-N2", "job.sh"], 'the word "job.sh" would become the script'],
    [["--bogus", "1"], 'the word "1" would become the script'],
    [["--", "x"], 'the word "--" would end sbatch\'s options'],
    [["-N1", ":", "-N1"], 'the word ":" would start a second job'],
    [["--nodes"], 'the option "--nodes" needs a value'],
    [["-sN"], 'the option "-sN" needs a value'],
  ])("refuses %j", (words, text) => {
    expect(complaint(words, true)).toContain(text);
    if (words[0] !== "--bogus") expect(complaint(words)).toContain(text);
  });
});

test("names the key and the fault of whoever wrote the words", () => {
  const checked = checkSlurmArguments(["-J", "x"], {
    fault: "admin",
    from: "[batch] arguments_append",
    allowIllegal: false,
  });
  expect(checked).toEqual({
    ok: false,
    refusal: {
      fault: "admin",
      from: "[batch] arguments_append",
      message:
        '[batch] arguments_append: "-J" (--job-name) is set by the driver: it finds the job by its name',
    },
  });
});
