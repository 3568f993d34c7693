import { type Compile, findNeverMatching, findOpenHosts, findUnescapedDots } from "./allowlist.ts";
import { findUnknownOptions } from "./ch-run-options.ts";
import { findIdleKeys, findOfflineWithoutMirror } from "./effects.ts";
import type { Rule } from "./finding.ts";
import { findWrongPlaces } from "./places.ts";
import { findConfigRefusals, findLaterRefusals } from "./refusals.ts";

/** The rules for what a well-formed file may still do wrong; `compile` is `compilePattern` of the settings. */
export function rulesWith(compile: Compile): readonly Rule[] {
  return [
    {
      id: "refused-by-config",
      meaning: "The config hook refuses the configuration, so no job runs.",
      find: findConfigRefusals,
    },
    {
      id: "refused-by-prepare",
      meaning: "Every job that comes to need the key is refused.",
      find: findLaterRefusals,
    },
    {
      id: "without-effect",
      meaning: "The key changes nothing because of another key.",
      find: findIdleKeys,
    },
    {
      id: "offline-without-mirror",
      meaning: "The site asks no registry but its mirrors and has none.",
      find: findOfflineWithoutMirror,
    },
    {
      id: "allowlist-never-matches",
      meaning: "No image name can match the pattern.",
      find: (evidence) => findNeverMatching(evidence, compile),
    },
    {
      id: "allowlist-unescaped-dot",
      meaning: "A dot in the pattern's host matches any character.",
      find: (evidence) => findUnescapedDots(evidence, compile),
    },
    {
      id: "allowlist-open-host",
      meaning: "The pattern's host is also the beginning of other hosts.",
      find: (evidence) => findOpenHosts(evidence, compile),
    },
    {
      id: "wrong-place",
      meaning: "A directory or program is relative or not on this host.",
      find: findWrongPlaces,
    },
    {
      id: "unknown-ch-run-option",
      meaning: "The ch-run of this host does not have the option.",
      find: findUnknownOptions,
    },
  ];
}

/** What else a finding can be about: the file itself, and its keys one by one. */
export const FILE_RULES = [
  { id: "unreadable", meaning: "The file could not be read." },
  { id: "not-toml", meaning: "The file is not TOML in UTF-8." },
  { id: "unknown", meaning: "Nobody knows the key or table." },
  { id: "missing", meaning: "A required key is not set." },
  { id: "wrong-value", meaning: "The value does not have the type of its key." },
  { id: "not-a-table", meaning: "A value stands where a table is wanted." },
  { id: "refused", meaning: "The value has the right type and cannot be meant." },
  { id: "ignored", meaning: "The key is one of Jacamar CI's that this version does not act on." },
] as const;
