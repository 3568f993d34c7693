import { mkdirSync, readdirSync, renameSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { SystemFailure } from "../host/failure.ts";
import { errorCode, readJson, unlinkIfThere, writeAtomically } from "../host/files.ts";
import { withLock } from "../host/lock.ts";
import { liveness } from "../host/proc.ts";
import type { News } from "./figures.ts";
import { emptyTotals, mergeNews, type Totals } from "./merge.ts";
import { textFormat } from "./text-format.ts";

/** How long a hook waits for others that write the file; after that the next one counts its news as well. */
const PATIENCE_MILLISECONDS = 5000;
const ABANDONED_MILLISECONDS = 3_600_000;
const NEWS = /\.(started|ended)\.json$/;

/**
 * Tells the text file of node_exporter's collector what is new of an attempt. The news is first a file of its own in
 * `TEXTFILE.d`; whoever gets the lock there counts all that lie there and replaces the text file. So many hooks at
 * once, and one that is killed anywhere on the way, lose nothing and count nothing twice.
 *
 * @throws when the files cannot be written, or another host has written them
 */
export async function tellTextFile(
  textfile: string,
  news: News,
  patience = PATIENCE_MILLISECONDS,
): Promise<void> {
  const directory = `${textfile}.d`;
  makeDirectory(directory);
  const file = `${directory}/${news.token}.${news.kind}.json`;
  writeAtomically(file, JSON.stringify(news));
  const signal = AbortSignal.timeout(patience);
  const holder = `${news.token} on ${hostname()}`;
  try {
    await withLock(`${directory}/lock`, { holder, onWait: () => {}, signal }, async () =>
      countAll(textfile, directory),
    );
  } catch (error) {
    // Not lost: it lies there until somebody has the lock.
    if (!signal.aborted || error !== signal.reason) throw error;
  }
}

function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (errorCode(error) !== "EEXIST") throw error;
  }
}

function countAll(textfile: string, directory: string): void {
  const names = readdirSync(directory);
  removeAbandoned(directory, names);
  const files = names.filter((name) => NEWS.test(name)).map((name) => `${directory}/${name}`);
  // Another hook has counted this one's news.
  if (files.length === 0) return;
  const news = files.map(readJson).filter(isNews);
  const totals = mergeNews(readTotals(`${directory}/totals.json`), news, ({ holder, expires }) => {
    return Date.now() > expires || liveness(holder) === "dead";
  });
  // In this order: who is killed in between leaves news that the totals know already.
  writeAtomically(`${directory}/totals.json`, JSON.stringify(totals));
  const text = `${directory}/text`;
  // Its reader is another user.
  writeAtomically(text, textFormat(totals), 0o644);
  renameSync(text, textfile);
  for (const file of files) unlinkIfThere(file);
}

function isNews(value: unknown): value is News {
  return typeof value === "object" && value !== null && (value as News).version === 1;
}

function readTotals(file: string): Totals {
  const value = readJson(file) as Totals | undefined;
  if (value?.version !== 1) return emptyTotals(hostname());
  if (value.host === hostname()) return value;
  throw new SystemFailure(
    `${file} is of host ${value.host}, this is ${hostname()}; wanted: a file for each host, such as one with $HOSTNAME in its path`,
  );
}

/** What hooks left that were killed while they wrote. */
function removeAbandoned(directory: string, names: readonly string[]): void {
  for (const name of names.filter((one) => one.endsWith(".tmp"))) {
    const path = `${directory}/${name}`;
    const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > ABANDONED_MILLISECONDS) unlinkIfThere(path);
  }
}
