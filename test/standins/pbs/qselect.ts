/** Stand-in for qselect with -N and -x. */
import { connect, die, findHome, isFinished, isOn, readJobs, SERVER } from "./store.ts";

const home = findHome();
const words = process.argv.slice(2);
let all = false;
let name: string | undefined;
for (let i = 0; i < words.length; i++) {
  if (words[i] === "-x") all = true;
  else if (words[i] === "-N") name = words[++i];
  else die(99, `qselect stand-in: ${words[i]} is not there`);
}
await connect(home, 162, `qselect: cannot connect to server ${SERVER} (errno=15010)`);
if (all && !isOn(home, "history")) die(1, "qselect: PBS is not configured to maintain job history");
for (const job of readJobs(home)) {
  const isNamed = name === undefined || job.attributes["Job_Name"] === name;
  if (isNamed && (all || !isFinished(job))) console.log(job.id);
}
