/** What a Prometheus that scrapes the hosts of the sample day would have kept. */
import { writeFileSync } from "node:fs";
import { emptyTotals, mergeNews } from "../../src/metrics/merge.ts";
import { textFormat } from "../../src/metrics/text-format.ts";
import { SAMPLE_HOSTS, SAMPLE_HOURS, type SampleHost, sampleDay, type Told } from "./sample-day.ts";

/** In seconds since 1970: a Tuesday, from midnight on. */
export const SAMPLE_START = Date.UTC(2026, 10, 24) / 1000;
export const SAMPLE_END = SAMPLE_START + SAMPLE_HOURS * 3600;
/** In seconds; as the data source in Grafana would be told. */
export const SCRAPE_INTERVAL = 60;

/** The driver's own text at one moment. */
export interface Scrape {
  readonly instance: string;
  /** In seconds since 1970. */
  readonly time: number;
  readonly text: string;
}

/** Each scrape of each host of the sample day. The day before has left its totals, as on a site that runs for long. */
export function* sampleScrapes(): Generator<Scrape> {
  for (const host of SAMPLE_HOSTS)
    yield* scrapesOf(host, sampleDay(host), sampleDay({ ...host, seed: host.seed + 100 }));
}

function* scrapesOf(
  { instance }: SampleHost,
  today: readonly Told[],
  yesterday: readonly Told[],
): Generator<Scrape> {
  const ends = yesterday.map(({ news }) => news).filter(({ kind }) => kind === "ended");
  let totals = mergeNews(emptyTotals(instance), ends, () => false);
  let text = textFormat(totals);
  let next = 0;
  for (let time = SAMPLE_START; time <= SAMPLE_END; time += SCRAPE_INTERVAL) {
    const from = next;
    while ((today[next]?.at ?? Number.POSITIVE_INFINITY) <= (time - SAMPLE_START) * 1000) next++;
    if (next > from) {
      const news = today.slice(from, next).map((one) => one.news);
      totals = mergeNews(totals, news, () => false);
      text = textFormat(totals);
    }
    yield { instance, time, text };
  }
}

/** Writes scrapes as OpenMetrics with times, the one format that promtool makes history of. */
export function writeHistory(file: string, scrapes: Iterable<Scrape>): void {
  const lines: string[] = [];
  for (const scrape of scrapes) lines.push(...withTime(scrape));
  writeFileSync(file, `${lines.join("\n")}\n# EOF\n`);
}

/** The samples with what Prometheus adds to them; HELP and TYPE may not stand there twice. */
function withTime({ instance, time, text }: Scrape): string[] {
  return text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const end = line.lastIndexOf("}");
      const more = `,instance="${instance}",job="node"`;
      return `${line.slice(0, end)}${more}${line.slice(end)} ${time}`;
    });
}
