import { describe, expect, test } from "bun:test";
import { checkLsfArguments } from "./lsf-arguments.ts";

const FROM = "SCHEDULER_PARAMETERS";

/** The message, or "" for words that are accepted as they are. */
function complaint(
  words: readonly string[],
  allowIllegal = false,
  fault: "user" | "admin" = "user",
): string {
  const checked = checkLsfArguments(words, { fault, from: FROM, allowIllegal });
  if (!checked.ok) return checked.refusal.message;
  expect(checked.value).toEqual(words);
  return "";
}

test.each([
  [[]],
  [["-W", "10", "-n", "2,4", "-q", "normal", "-P", "project", "-M", "4GB"]],
  [["-R", "rusage[mem=4GB] span[hosts=1]", "-R", "select[type==any]", "-x", "-app", "ci"]],
  [["-gpu", "num=1:mode=shared", "-gpu", "-"]],
  [["-w", "done(12)", "-ti", "-sla", "x", "-G", "group", "-g", "/a", "-m", "n1 n2+1"]],
  [["-b", "20:00", "-t", "21:00", "-c", "1:00", "-We", "5", "-Jd", "a description"]],
  [["-nnodes", "2", "-alloc_flags", "smt4", "-core_isolation", "1", "-step_cgroup", "y"]],
])("accepts %j", (words) => {
  expect(complaint(words)).toBe("");
});

test.each([
  [["-o", "/x"], '"-o" is set by the driver: it follows'],
  [["-oo", "/x"], '"-oo" is set by the driver: it follows'],
  [["-e", "/x"], '"-e" would split'],
  [["-eo", "/x"], '"-eo" would split'],
  [["-i", "/x"], '"-i" would give'],
  [["-is", "/x"], '"-is" would give'],
  [["-I"], '"-I" would tie'],
  [["-Ip"], '"-Ip" would tie'],
  [["-Is"], '"-Is" would tie'],
  [["-IS"], '"-IS" would tie'],
  [["-ISp"], '"-ISp" would tie'],
  [["-ISs"], '"-ISs" would tie'],
  [["-IX"], '"-IX" would tie'],
  [["-tty"], '"-tty" would tie'],
  [["-XF"], '"-XF" would tie'],
  [["-K"], '"-K" would block'],
  [["-J", "x[1-9]"], '"-J" is set by the driver: it finds'],
  [["-N"], '"-N" makes LSF send mail'],
  [["-Ne"], '"-Ne" makes LSF'],
  [["-B"], '"-B" makes LSF'],
  [["-u", "me"], '"-u" makes LSF'],
  [["-notify", "done"], '"-notify" makes LSF'],
  [["-cwd", "/"], '"-cwd" is set by the driver'],
  [["-outdir", "/"], '"-outdir" is set by the driver'],
  [["-env", "all"], '"-env" is set by the driver'],
  [["-L", "/bin/sh"], '"-L" is set by the driver'],
  [["-ul"], '"-ul" is set by the driver'],
  [["-r"], '"-r" decides'],
  [["-rn"], '"-rn" decides'],
  [["-Q", "1"], '"-Q" decides'],
  [["-H"], '"-H" would leave'],
  [["-f", "a > b"], '"-f" copies'],
  [["-E", "x"], '"-E" would run commands'],
  [["-Ep", "x"], '"-Ep" would run commands'],
  [["-Zs"], '"-Zs" copies'],
  [["-pack", "x"], '"-pack" takes jobs or options'],
  [["-jsdl", "x"], '"-jsdl" takes'],
  [["-jsdl_strict", "x"], '"-jsdl_strict" takes'],
  [["-json", "x"], '"-json" takes'],
  [["-yaml", "x"], '"-yaml" takes'],
  [["-jsm", "d"], '"-jsm" takes'],
  [["-k", "/x"], '"-k" lets LSF stop'],
  [["-mig", "1"], '"-mig" lets LSF stop'],
  [["-clusters", "all"], '"-clusters" would send'],
  [["-m", "n1@other"], '"n1@other" would send'],
  [["-s", "TERM"], '"-s" changes the signals'],
  [["-wa", "TERM"], '"-wa" changes the signals'],
  [["-wt", "2"], '"-wt" changes the signals'],
  [["-h"], '"-h" makes bsub submit no job'],
  [["-V"], '"-V" makes bsub submit no job'],
  [["-a", "docker(x)"], '"-a" names submission programs'],
  [["-q", "-K"], '"-q" needs a value, and "-K" is an option'],
  [["-Jname"], "-J VALUE; -J is set by the driver"],
  [["-o/x"], "-o VALUE; -o is set by the driver"],
  [["-W10"], '"-W10" is no option of bsub that the driver knows; a value is a word of its own'],
  [["-W=10"], '"-W=10" is no option'],
  [["--time=1"], '"--time=1" is no option'],
  [["-zz"], '"-zz" is no option'],
])("refuses %j", (words, text) => {
  expect(complaint(words)).toStartWith(`${FROM}: `);
  expect(complaint(words)).toContain(text);
  expect(complaint(words, true)).toBe("");
});

describe("whatever is allowed", () => {
  test.each([
    [["job.sh"], 'the word "job.sh" would become the command'],
    [[""], 'the word "" would become the command'],
    [["-"], 'the word "-" would become the command'],
    [["-W", "10", "20"], 'the word "20" would become the command'],
    [["-x", "yes"], 'the word "yes" would become the command'],
    [["-zz", "1"], 'the word "1" would become the command'],
    [["--", "x"], "would end bsub's options"],
    [["-W"], 'the option "-W" needs a value'],
  ])("refuses %j", (words, text) => {
    expect(complaint(words, true)).toContain(text);
    if (words[0] !== "-zz") expect(complaint(words)).toContain(text);
  });
});

test("an administrator may name the site's submission programs", () => {
  expect(complaint(["-a", "openmpi"], false, "admin")).toBe("");
  expect(complaint(["-J", "x"], false, "admin")).toContain("is set by the driver");
});
