import { lastWords, linesOf, submittedBy } from "./answers.ts";
import { checkFluxArguments } from "./flux-arguments.ts";
import { fluxStateOf } from "./flux-states.ts";
import type { Answer, Call, JobState, Scheduler, Submission, Submitted } from "./scheduler.ts";

const SUBMIT_SECONDS = 60;
const ASK_SECONDS = 30;
/** Flux itself needs 25 s for a job that ignores SIGTERM. */
const CANCEL_SECONDS = 40;

/** No broker there: the request reached nobody. */
const UNREACHABLE = [
  "Unable to connect to Flux",
  "Connection refused",
  "No route to host",
  "Resource temporarily unavailable",
];
/** The request may have been carried out. */
const LOST = [
  "Connection reset by peer",
  "Broken pipe",
  "timed out",
  "lost connection",
  "Protocol error",
];

/** Else ids begin with a letter that not every terminal, log and locale has. */
const ASCII_IDS = { FLUX_F58_FORCE_ASCII: "1" };
const ID = /^[fƒ][1-9A-HJ-NP-Za-km-z]+$/;
/** The last two are free text, and of these only one is set at a time. */
const FORMAT =
  "{state}|{result}|{returncode}|{urgency}|{exception.type}|{dependencies}|{exception.note}";

/** `flux-batch: ERROR: ` */
const PREFIX = /^flux-\w+: (ERROR: )?/gm;

/** Flux, the system's instance unless `[batch] env_vars` names another one. */
export const flux: Scheduler = {
  name: "flux",
  title: "Flux",
  programs: ["flux"],
  patience: { submit: SUBMIT_SECONDS, query: ASK_SECONDS, cancel: ASK_SECONDS },
  cancelSeconds: CANCEL_SECONDS,
  checkArguments: checkFluxArguments,
  // A runner that happens to run inside a Flux job has FLUX_URI, too, and that instance ends with the job. Who means
  // one says so: env_vars = ["FLUX_URI=…"]. The other FLUX_* act like options or load code.
  keepsVariable: () => false,
  submit: (job) => call("batch", ...job.words, ...ownWords(job), job.wrapper),
  readSubmission,
  find: (name) => call("jobs", "-a", `--name=${name}`, "-no", "{id.f58}"),
  readFound: (answer) => (answer.status === 0 ? linesOf(answer.stdout).filter(isId) : undefined),
  query: (id) => call("jobs", "-no", FORMAT, id),
  readState,
  cancel: (id) => call("cancel", id),
  readCancel: (answer) => {
    if (answer.status === 0) return "accepted";
    const isOver = answer.status === 1 && /job is inactive|unknown job id/i.test(answer.stderr);
    return isOver ? "over" : "retry";
  },
};

function call(...words: readonly string[]): Call {
  return { argv: ["flux", ...words], env: ASCII_IDS };
}

/** Without PATH the job does not find flux; the rest of the script's environment comes from a file. */
function ownWords(job: Submission): readonly string[] {
  return [
    ...["--env-remove=*", "--env=PATH", "--env=HOME", "--env=LANG"],
    `--cwd=${job.directory}`,
    `--output=${job.output}`,
    `--job-name=${job.name}`,
  ];
}

function readSubmission(answer: Answer): Submitted {
  return submittedBy(answer, {
    id: linesOf(answer.stdout).filter(isId).at(-1),
    message: lastWords(answer, "flux batch", PREFIX),
    unreachable: UNREACHABLE,
    lost: LOST,
  });
}

function readState(answer: Answer, id: string): JobState {
  const fields = answer.stdout.trimEnd().split("|");
  if (answer.status === 0 && fields.length >= FORMAT.split("|").length) {
    const [state = "", result = "", returncode = "", urgency = "", exception = "", ...texts] =
      fields;
    const note = texts.join("|").replaceAll(/^\|+|\|+$/g, "");
    const line = note.replaceAll(/\s+/g, " ").trim();
    return fluxStateOf({ id, state, result, returncode, urgency, exception, note: line });
  }
  if (answer.status === 1 && /JobID \S+ unknown/i.test(answer.stderr))
    return { phase: "forgotten" };
  return { phase: "unreachable", message: lastWords(answer, "flux jobs", PREFIX) };
}

function isId(text: string): boolean {
  return ID.test(text);
}
