/** Stand-in for qstat with -x, -f and -F json. */
import {
  type Attributes,
  die,
  findHome,
  findJob,
  isFinished,
  isOn,
  type Job,
  readJobs,
  SERVER,
  VERSION,
} from "./store.ts";

const words = process.argv.slice(2);
if (words[0] === "--version") {
  console.log(`pbs_version = ${VERSION}`);
  process.exit(0);
}
const home = findHome();
const ids: string[] = [];
let [history, full, json] = [false, false, false];
for (let i = 0; i < words.length; i++) {
  const word = words[i] ?? "";
  if (word === "-x") history = true;
  else if (word === "-f") full = true;
  else if (word === "-F" && words[++i] === "json") json = true;
  else if (word.startsWith("-")) die(99, `qstat stand-in: ${word} is not there`);
  else ids.push(word);
}
if (!full) die(99, "qstat stand-in: only with -f");

const shown: Job[] = [];
let status = 0;
const complain = (code: number, text: string) => {
  // A good call is quick, a failing one is not.
  Bun.sleepSync(200);
  process.stderr.write(`qstat: ${text}\n`);
  status = code;
};
const keepsHistory = isOn(home, "history");
while (isOn(home, "hang")) await Bun.sleep(50);
if (isOn(home, "down")) {
  process.stderr.write("Connection refused\n");
  complain(255, `cannot connect to server ${SERVER} (errno=15010)`);
} else if (ids.length === 0) {
  shown.push(...readJobs(home).filter((job) => !isFinished(job) || (history && keepsHistory)));
} else {
  for (const id of ids) look(id);
}
print();
process.exit(status);

function look(id: string): void {
  if (!/^\d/.test(id)) {
    complain(170, `Unknown queue destination ${id}`);
    return;
  }
  if (history && !keepsHistory) {
    // Whether it runs or not, and whether there is one or not.
    Bun.sleepSync(200);
    process.stderr.write(`qstat: PBS is not configured to maintain job history ${id}\n`);
    return;
  }
  const job = findJob(home, "qstat", id);
  if (job === undefined || (isFinished(job) && !keepsHistory)) {
    complain(153, `Unknown Job Id ${id}`);
  } else if (isFinished(job) && !history) {
    complain(35, `${id} Job has finished, use -x or -H to obtain historical job information`);
  } else {
    shown.push(job);
  }
}

function print(): void {
  if (!json) {
    for (const job of shown)
      console.log(`${[`Job Id: ${job.id}`, ...lines(job.attributes)].join("\n")}\n`);
    return;
  }
  const answer = {
    timestamp: Math.floor(Date.now() / 1000),
    pbs_version: VERSION,
    pbs_server: SERVER,
    ...(shown.length === 0
      ? {}
      : { Jobs: Object.fromEntries(shown.map((job) => [job.id, job.attributes])) }),
  };
  const text = JSON.stringify(answer, null, 4).replaceAll('": ', '":');
  // Older versions take 005 for a number, and escape a comma.
  console.log(
    isOn(home, "bad-json") ? text.replace(/"PBS_O_SYSTEM":"[^"]*"/, '"PBS_O_SYSTEM":005') : text,
  );
}

/** 79 columns; a value goes on after a tab, broken at a comma where there is one. */
function lines(attributes: Attributes): readonly string[] {
  return Object.entries(attributes).flatMap(([name, value]) => {
    if (typeof value !== "object") return wrapped(`    ${name} = ${value}`);
    const pairs = Object.entries(value);
    if (name === "Variable_List")
      return wrapped(`    ${name} = ${pairs.map(([key, text]) => `${key}=${text}`).join(",")}`);
    return pairs.flatMap(([key, text]) => wrapped(`    ${name}.${key} = ${text}`));
  });
}

function wrapped(line: string): readonly string[] {
  const rows: string[] = [];
  let rest = line;
  while (rest.length > 78) {
    const comma = rest.lastIndexOf(",", 77);
    const at = comma > 20 ? comma + 1 : 78;
    rows.push(rest.slice(0, at));
    rest = `\t${rest.slice(at)}`;
  }
  return [...rows, rest];
}
