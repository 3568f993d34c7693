import { expect, test } from "bun:test";
import type { PathKind } from "./finding.ts";
import { findWrongPlaces } from "./places.ts";

const HOST: Readonly<Record<string, PathKind>> = {
  "/": "directory",
  "/scratch": "directory",
  "/opt/ch/bin": "directory",
  "/opt/ch/bin/ch-run": "program",
  "/bin/bash": "program",
  "/etc/passwd": "file",
  "/root/secret": "hidden",
};

function ask(table: string, key: string, value: unknown): string[] {
  const general = { run_mechanism: "charliecloud", executor: "slurm" };
  const tables = new Map<string, Record<string, unknown>>([["general", general]]);
  tables.set(table, { ...tables.get(table), [key]: value });
  const host = {
    kindOf: (path: string) => HOST[path] ?? "missing",
    chRun: { known: false as const, because: "not asked" },
  };
  return findWrongPlaces({ tables, host }).map(({ message }) => message);
}

const CH = "general.charliecloud";

test.each([
  ["general", "shell_path", "bin/bash", '"bin/bash" is relative; wanted an absolute path'],
  ["general", "shell_path", "/bin/bush", '"/bin/bush" does not exist on this host'],
  ["general", "shell_path", "/etc/passwd", "is not a program that this user may run"],
  [CH, "application_path", "/opt/none", "does not exist on this host"],
  [CH, "application_path", "/etc/passwd", "is neither a directory nor a program"],
  [CH, "prep_script", "/opt/none/prep.sh", "does not exist on this host"],
  [CH, "prep_script", "/opt/ch/bin", "is a directory; wanted a script"],
  [CH, "image_storage_dir", "images", "is relative"],
  [CH, "image_storage_dir", "/scrach/$USER", "lies in /scrach, which does not exist"],
  [CH, "image_storage_dir", "/scratch/$GROUP/x", "holds $GROUP, which stays as it is"],
  [`${CH}.cache`, "dir", "/etc/passwd", "is not a directory"],
  ["general", "data_dir", "/etc/passwd/x", "lies in /etc/passwd, which is not a directory"],
  ["general", "data_dir", "/scrach/ci", "lies in /scrach, which does not exist"],
  ["general.metrics", "textfile", "jacamar.prom", "is relative; wanted an absolute path"],
  ["general.metrics", "textfile", "/scrach/jacamar.prom", "lies in /scrach/, which does not exist"],
  ["general.log", "file", "/etc/passwd/log", "lies in /etc/passwd/, which is not a directory"],
  ["batch", "scheduler_bin", "slurm/bin", "is relative"],
  ["batch", "scheduler_bin", "/opt/ch/bin/ch-run", "is not a directory"],
])("[%s] %s = %s is found", (table, key, value, message) => {
  expect(ask(table, key, value)).toEqual([expect.stringContaining(message)]);
});

test.each([
  ["general", "shell_path", "/bin/bash"],
  ["general", "shell_path", "/root/secret"],
  ["general", "data_dir", "$HOME"],
  ["general", "data_dir", "~/ci"],
  ["general", "data_dir", "/scratch/${USER}/ci"],
  ["general", "data_dir", "/scratch/new"],
  ["general", "data_dir", 7],
  [CH, "application_path", "/opt/ch/bin"],
  [CH, "application_path", "/opt/ch/bin/ch-run"],
  [CH, "prep_script", "module load charliecloud"],
  [CH, "prep_script", "/opt/none/prep.sh --fast; true"],
  ["general.metrics", "textfile", "/scratch/$HOSTNAME.prom"],
  ["general.log", "file", "$HOME/logs/jacamar.jsonl"],
  ["batch", "scheduler_bin", "/opt/ch/bin/"],
])("[%s] %s = %s is right", (table, key, value) => {
  expect(ask(table, key, value)).toEqual([]);
});
