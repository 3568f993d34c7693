import { type ChRunOption, checkOptions } from "../charliecloud/user-options.ts";
import type { User } from "../host/user.ts";
import type { Job } from "../job/job.ts";
import { accept, refuse, type Verdict } from "../plan/decision.ts";
import { expandAccount } from "../plan/expand.ts";
import { normalisePath } from "../plan/paths.ts";
import type { Bind } from "../plan/volumes.ts";
import { splitWords } from "../plan/words.ts";
import type { Settings } from "../settings/settings.ts";

const TABLE = "[general.charliecloud]";
const USER_ARGUMENTS = "JACAMAR_CI_CHARLIECLOUD_ARGS";

export interface OptionsInput {
  readonly settings: Settings;
  readonly job: Job;
  readonly user: User;
  readonly role: "step" | "helper";
  /** Where ch-run starts: relative sources of bind mounts count from here. */
  readonly cwd: string;
}

/** An option for ch-run, by whoever asks for it. */
export interface PlannedOption {
  readonly words: readonly string[];
  readonly fault: "user" | "admin";
  readonly bind?: Bind;
}

export interface PlannedOptions {
  /** The administrator's, then the user's: later ones win. */
  readonly options: readonly PlannedOption[];
  readonly notes: readonly string[];
}

/** Extra options of ch-run: `custom_options` or `runner_options`, then the user's own for the user's steps. */
export function planOptions(input: OptionsInput): Verdict<PlannedOptions> {
  const { settings, role, job, user, cwd } = input;
  const key = role === "helper" ? "runner_options" : "custom_options";
  const sources: WordSource[] = settings.charliecloud[key].map((text) => ({
    text,
    fault: "admin",
    from: `${TABLE} ${key}`,
    expand: (word) => expandAccount(word, user),
  }));
  const text = role === "step" ? (job.variables[USER_ARGUMENTS] ?? "") : "";
  const ignored = settings.charliecloud.disable_user_args && text.trim() !== "";
  const notes = ignored ? [`${USER_ARGUMENTS} is ignored: ${TABLE} disable_user_args is set`] : [];
  if (!ignored) {
    sources.push({ text, fault: "user", from: USER_ARGUMENTS, expand: (word) => word });
  }
  const options: PlannedOption[] = [];
  for (const source of sources) {
    const read = readOptions(source, cwd);
    if (!read.ok) return read;
    options.push(...read.value);
  }
  return accept({ options, notes });
}

interface WordSource {
  readonly text: string;
  readonly fault: "user" | "admin";
  readonly from: string;
  /** Applied to whole words: what it inserts is never split. */
  readonly expand: (word: string) => string;
}

function readOptions(source: WordSource, cwd: string): Verdict<readonly PlannedOption[]> {
  const { text, fault, from, expand } = source;
  const split = splitWords(text);
  if (!split.ok) return refuse(fault, `${from}: ${split.message}`, from);
  const checked = checkOptions(split.words.map(expand), fault, from);
  if (!checked.ok) return checked;
  const planned = ({ words, bind }: ChRunOption): PlannedOption => {
    const mount = bind === undefined ? undefined : bindOf(bind, cwd, from);
    return mount ? { words, fault, bind: mount } : { words, fault };
  };
  return accept(checked.value.map(planned));
}

/** What ch-run makes of `SRC[:DST]`: it splits at the first colon, and starts in `cwd`. */
function bindOf(written: string, cwd: string, from: string): Bind | undefined {
  const colon = written.indexOf(":");
  const source = colon < 0 ? written : written.slice(0, colon);
  const target = colon < 0 ? written : written.slice(colon + 1);
  if (source === "" || !target.startsWith("/")) return undefined;
  const absolute = source.startsWith("/") ? source : normalisePath(`${cwd}/${source}`);
  return { source: absolute, target, because: "an option asks for it", from };
}
