/** Stand-in for qdel: tells the job's MOM, and returns at once. */
import { writeFileSync } from "node:fs";
import { connect, die, findHome, findJob, isFinished, isOn, type Job, SERVER } from "./store.ts";

const home = findHome();
const ids = process.argv.slice(2);
if (ids[0]?.startsWith("-")) die(99, `qdel stand-in: ${ids[0]} is not there`);
await connect(home, 162, `Couldn't connect to cluster: ${SERVER}`);
if (ids.length === 0) die(2, "usage:\n\tqdel [-W force|suppress_email=X] [-x] job_identifier...");

const jobs = ids.map((id) => [id, findJob(home, "qdel", id)] as const);
const isKnown = ([, job]: readonly [string, Job | undefined]) =>
  job !== undefined && (!isFinished(job) || isOn(home, "history"));
// As measured: a known and an unknown one together end the server.
if (jobs.some(isKnown) && !jobs.every(isKnown)) {
  writeFileSync(`${home}/down`, "");
  process.exit(0);
}
let status = 0;
const complain = (code: number, text: string) => {
  process.stderr.write(`qdel: ${text}\n`);
  status = code;
};
for (const [id, job] of jobs) {
  if (job === undefined || (isFinished(job) && !isOn(home, "history"))) {
    complain(153, `Unknown Job Id ${id}`);
  } else if (isFinished(job)) {
    complain(35, `Job has finished ${id}`);
  } else if (job.attributes["job_state"] === "R" && isOn(home, "mom-down")) {
    complain(222, `Server could not connect to MOM ${id}`);
  } else {
    writeFileSync(`${home}/jobs/${job.number}.delete`, "");
  }
}
process.exit(status);
