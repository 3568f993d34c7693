/** A Prometheus of our own on this machine that has the sample day as its history. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, startDaemon } from "../../test/fixtures/daemon.ts";
import { mustRun } from "../../test/fixtures/must-run.ts";
import { type Scrape, writeHistory } from "./sample-history.ts";

/** One line of a graph: Prometheus' answer to a range query. */
export interface QuerySeries {
  readonly metric: Readonly<Record<string, string>>;
  /** Seconds since 1970, and the number as text: also `NaN`, `+Inf`. */
  readonly values: readonly (readonly [number, string])[];
}

/** In seconds. */
export interface QueryRange {
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

export interface Prometheus {
  /** @throws {Error} With Prometheus' words, when it refuses the expression. */
  readonly query: (expr: string, range: QueryRange) => Promise<readonly QuerySeries[]>;
  /** All values of a label that series of a metric had in that time. */
  readonly labelValues: (
    label: string,
    metric: string,
    range: Omit<QueryRange, "step">,
  ) => Promise<readonly string[]>;
  readonly stop: () => Promise<void>;
}

/** Starts one on a free loopback port; `dir` takes its data. Debian's prometheus must be installed. */
export async function startPrometheus(dir: string, scrapes: Iterable<Scrape>): Promise<Prometheus> {
  const [data, history, config] = ["data", "history", "empty.yml"].map((name) => join(dir, name));
  if (data === undefined || history === undefined || config === undefined) throw new Error(dir);
  mkdirSync(dir, { recursive: true });
  writeFileSync(config, "{}\n");
  writeHistory(history, scrapes);
  mustRun(["promtool", "tsdb", "create-blocks-from", "openmetrics", "--quiet", history, data]);
  const port = await freePort();
  const daemon = await startDaemon(
    [
      "prometheus",
      `--config.file=${config}`,
      `--storage.tsdb.path=${data}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--log.level=warn",
    ],
    { port, log: join(dir, "prometheus.log") },
  );
  const url = `http://127.0.0.1:${port}`;
  await untilReady(url);
  return {
    query: async (expr, { start, end, step }) => {
      const asked = { query: expr, start: `${start}`, end: `${end}`, step: `${step}` };
      const data = await ask<{ result: readonly QuerySeries[] }>(
        `${url}/api/v1/query_range`,
        asked,
      );
      return data.result;
    },
    labelValues: (label, metric, { start, end }) =>
      ask(`${url}/api/v1/label/${label}/values`, {
        "match[]": metric,
        start: `${start}`,
        end: `${end}`,
      }),
    stop: daemon.stop,
  };
}

/** Its port answers a little before its history does. */
async function untilReady(url: string): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await fetch(`${url}/-/ready`)).ok) {
    if (Date.now() > deadline) throw new Error(`Prometheus at ${url} is not ready after 20 s`);
    await Bun.sleep(50);
  }
}

async function ask<T>(url: string, asked: Readonly<Record<string, string>>): Promise<T> {
  const response = await fetch(`${url}?${new URLSearchParams(asked)}`);
  const answer = (await response.json()) as { status: string; error?: string; data: T };
  if (answer.status === "success") return answer.data;
  throw new Error(`Prometheus refuses ${JSON.stringify(asked)}: ${answer.error}`);
}
