import { expect, test } from "bun:test";
import { checkPbsArguments } from "./pbs-arguments.ts";

const FROM = "SCHEDULER_PARAMETERS";

/** The message, or "" for words that are accepted as they are. */
function complaint(words: readonly string[], allowIllegal = false): string {
  const checked = checkPbsArguments(words, { fault: "user", from: FROM, allowIllegal });
  if (!checked.ok) return checked.refusal.message;
  expect(checked.value).toEqual(words);
  return "";
}

test.each([
  [[]],
  [["-l", "select=1:ncpus=2", "-lwalltime=10:00", "-q", "short", "-qshort", "-A", "x", "-Px"]],
  [["-a", "202611241200", "-m", "n", "-M", "a@b.example", "-p", "-10", "-l", "place=excl"]],
  [["-l", "--"]],
  [["-A", "-N"]],
  [["-l", ""]],
  [["-W", "depend=afterok:12.srv:13.srv,after:14"]],
  [["-Wgroup_list=staff"]],
  [["-W", "release_nodes_on_stageout=true"]],
  [["-Wtolerate_node_failures=all"]],
])("accepts %j", (words) => {
  expect(complaint(words)).toBe("");
});

test.each([
  [["-o", "/x"], '"-o" is set by the driver: it follows the job\'s output'],
  [["-o/x"], '"-o/x" (-o) is set by the driver'],
  [["-e", "/x"], '"-e" would split'],
  [["-j", "n"], '"-j" is set'],
  [["-koed"], '"-koed" (-k) is set'],
  [["-Roe"], "would delete"],
  [["-N", "x"], "finds the job by its name"],
  [["-J", "0-3"], "several jobs"],
  [["-z"], "hides the job's id"],
  [["-zh"], '"-zh" (-z) hides'],
  [["-hlwalltime=1"], '"-hlwalltime=1" (-h) would leave the job waiting'],
  [["-hNx"], "(-h)"],
  [["-I"], "terminal"],
  [["-X"], "terminal"],
  [["-C", "#PBS"], "read options"],
  [["-S", "/bin/true"], "another one"],
  [["-v", "A=b"], "every user"],
  [["-V"], "every user"],
  [["-r", "y"], "run twice"],
  [["-c", "n"], "run twice"],
  [["-u", "root"], "whose job"],
  [["-f"], "stay behind"],
  [["-q", "workq@other"], '"workq@other" is on another server'],
  [["-q@other"], "another server"],
  [["-Y"], '"-Y" has "Y", no option of qsub'],
  [["-t0-3"], 'has "t", no option'],
  [["-W", "umask=777"], '-W "umask=777" may set'],
  [["-Wblock=true"], '-W "block=true"'],
  [["-W", "depend=afterok:1,block=true"], "may set"],
  [["-W", "depend='x',OUTPUT_PATH=/x"], "may set"],
  [["-W", 'depend="x"'], "may set"],
  [["-W", "depend=a\\b"], "may set"],
  [["-W", " depend=afterok:1"], "may set"],
  [["-W", "Depend=afterok:1"], "may set"],
  [["-W", "executable=/bin/true"], "may set"],
  [["-W", "depend"], "may set"],
])("refuses %j", (words, says) => {
  const message = complaint(words);
  expect(message).toStartWith(`${FROM}: `);
  expect(message).toContain(says);
  expect(complaint(words, true)).toBe("");
});

test.each([
  [["--"], '"--" would end'],
  [["--version"], "single letters only"],
  [["--time=10"], "single letters only"],
  [["script.sh"], "would become the script"],
  [["-"], "would become the script"],
  [[""], "would become the script"],
  [["-V", "script.sh"], "would become the script"],
  [["-l"], '"-l" needs a value'],
  [["-q", "a", "-Vl"], '"-Vl" needs a value'],
])("refuses %j whatever the administrator allows", (words, says) => {
  expect(complaint(words, true)).toContain(says);
  expect(complaint(words)).not.toBe("");
});
