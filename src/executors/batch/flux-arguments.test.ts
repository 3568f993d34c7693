import { expect, test } from "bun:test";
import { checkFluxArguments } from "./flux-arguments.ts";

const FROM = "SCHEDULER_PARAMETERS";

/** The message, or "" for words that are accepted as they are. */
function complaint(words: readonly string[], allowIllegal = false): string {
  const checked = checkFluxArguments(words, { fault: "user", from: FROM, allowIllegal });
  if (!checked.ok) return checked.refusal.message;
  expect(checked.value).toEqual(words);
  return "";
}

test.each([
  [[]],
  [["-N2", "-n", "4", "-c1", "-g", "0", "-t", "10m", "-q", "debug", "-Bme"]],
  [["--nodes=2", "--nslots", "4", "--time-limit=1h", "--queue=debug", "--bank", "me"]],
  [["-xN1", "-x", "-u", "-xun1", "--exclusive", "--unbuffered"]],
  [["--requires=host:n1", "--dependency=afterok:f12", "--begin-time=+1h", "--rlimit=nofile"]],
  [["--requires", "two words"]],
  [["--urgency=1", "--urgency", "31", "--urgency=default", "--urgency=EXPEDITE"]],
  [["-o", "cpu-affinity=per-task", "-ocpu-affinity", "-o", "hwloc.xmlfile", "--setopt=pmi=off"]],
  [["-o", "oom.adjust=500", "-xoexit-timeout=none"]],
  [["-S", "user.comment=a b", "--setattr=user.x", "-Suser.y=1"]],
  [["--time-limit="]],
])("accepts %j", (words) => {
  expect(complaint(words)).toBe("");
});

test.each([
  [["--output=/x"], '"--output" is set by the driver: it follows the job\'s output'],
  [["--outp", "/x"], '"--outp" (--output) is set by the driver'],
  [["--error=/x"], "would split"],
  [["--input", "/x"], "standard input"],
  [["-l"], '"-l" (--label-io)'],
  [["-xlun1"], '"-xlun1" (--label-io)'],
  [["--job-name=x"], "finds the job by its name"],
  [["--job-n=x"], "(--job-name)"],
  [["--cwd=/"], "starts in the CI job's directory"],
  [["--cw=/"], "(--cwd)"],
  [["--env=A=1"], "environment comes from"],
  [["--env-remove=A"], "environment comes from"],
  [["--env-file", "x"], "environment comes from"],
  [["--dry"], "submit no job"],
  [["--dry-run"], "submit no job"],
  [["--quiet"], "hides the job's id"],
  [["--qui"], "(--quiet)"],
  [["--wrap"], "replace the CI job's script"],
  [["--help"], "submit no job"],
  [["--help=x"], "submit no job"],
  [["--list-plugins"], "submit no job"],
  [["--flags=waitable"], "how Flux treats the job"],
  [["--add-file=x"], "files"],
  [["--conf=x"], "instance"],
  [["--broker-opts=-v"], "instance"],
  [["--broker-opt=-v"], "instance"],
  [["--dump"], "files"],
  [["--resources-json=x"], "files"],
  [["--signal=USR1@60"], "cut short"],
  [["--add-brokers=1"], "instance"],
  [["--debug-emulate"], "developers"],
  [["--urgency=0"], "1 to 31"],
  [["--urgency", "00"], "1 to 31"],
  [["--urgency=HOLD"], "1 to 31"],
  [["-ooutput.stdout.path=/x"], '"output.stdout.path=/x"'],
  [["-o", "output.stdout.path=/x"], "shell option"],
  [["-xooutput.mode=truncate"], "shell option"],
  [["--setopt=userrc=/x"], "shell option"],
  [["-o", "signal=USR1"], "shell option"],
  [["-o", "cpu-affinityX=1"], "shell option"],
  [["-S", "system.job.name=evil"], "only attributes below user."],
  [["-Ssystem.cwd=/usr"], "only attributes below user."],
  [["--setattr=^file"], "only attributes below user."],
  [["-S", "user.^x=1"], "only attributes below user."],
  [["--nod=1"], "write --nodes in full"],
  [["--bogus"], "no option of flux batch"],
  [["-z"], 'has "z"'],
  [["-V"], 'has "V"'],
  [["-S=user.x=1"], "without a sign"],
  [["--wait"], "no option of flux batch"],
  [["--=x"], "no option of flux batch"],
])("refuses %j", (words, says) => {
  const message = complaint(words);
  expect(message).toStartWith(`${FROM}: `);
  expect(message).toContain(says);
});

test.each([
  [["script.sh"], '"script.sh" would become the script'],
  [["-n1", "script.sh"], '"script.sh" would become the script'],
  [["-x", "1"], '"1" would become the script'],
  [["--dump", "script"], '"script" would become the script'],
  [[""], '"" would become the script'],
  [["-"], '"-" would become the script'],
  [["-5"], '"-5" would become the script'],
  [["-.5"], "would become the script"],
  [["-z foo"], "would become the script"],
  [["--output x"], "would become the script"],
  [["--new option=1"], "would become the script"],
  [["--"], "would end flux batch's options"],
  [["-N"], '"-N" needs a value'],
  [["-N", "-x"], '"-N" needs a value'],
  [["--queue"], '"--queue" needs a value'],
  [["--queue", "--"], '"--queue" needs a value'],
  [["--output"], '"--output" needs a value'],
])("refuses %j, whatever the administrator allows", (words, says) => {
  expect(complaint(words, true)).toContain(says);
});

test.each([
  [["--output=/x"]],
  [["--env", "A=1"]],
  [["--dump"]],
  [["--site-plugin=1"]],
  [["-S", "system.x=1"]],
  [["--urgency=0"]],
  [["-l"]],
])("passes %j where the administrator allows it", (words) => {
  expect(complaint(words)).not.toBe("");
  expect(complaint(words, true)).toBe("");
});
