import { unknownOption } from "../charliecloud/ch-run-help.ts";
import { checkOptions } from "../charliecloud/user-options.ts";
import { splitWords } from "../plan/words.ts";
import { stepsOf } from "../settings/key-path.ts";
import type { ChRunAnswer, Evidence, Regret } from "./finding.ts";
import { textAt, textsAt } from "./written.ts";

const TABLE = "general.charliecloud";
const KEYS = ["custom_options", "runner_options"] as const;

/** Options that this host's ch-run does not have; once, as information, that they could not be looked up. */
export function findUnknownOptions({
  tables,
  host,
}: Pick<Evidence, "tables" | "host">): readonly Regret[] {
  if (textAt(tables, "general", "run_mechanism") !== "charliecloud") return [];
  return KEYS.flatMap((key) => {
    const texts = textsAt(tables, TABLE, key);
    if (texts.length === 0) return [];
    const path = [...stepsOf(TABLE), key];
    if (!host.chRun.known) {
      const message = `these options could not be compared with those of ch-run: ${host.chRun.because}`;
      return [{ path, message, level: "info" as const }];
    }
    const { chRun } = host;
    return texts.flatMap(([index, text]) =>
      complaintsOf(text, chRun).map((message) => ({ path: [...path, index], message })),
    );
  });
}

function complaintsOf(text: string, chRun: ChRunAnswer & { known: true }): string[] {
  const split = splitWords(text);
  // What is wrong with the words themselves is the driver's to refuse.
  const checked = split.ok ? checkOptions(split.words, "admin", "") : split;
  if (!checked.ok) return [];
  return checked.value.flatMap(({ words: [word = ""] }) => {
    const unknown = unknownOption(word, chRun.help);
    if (unknown === undefined) return [];
    return [`${unknown} is not an option of ch-run ${chRun.version} (${chRun.path})`];
  });
}
