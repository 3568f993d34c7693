/** A visit of a browser without a window to the page that draws the dashboard. */
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { SYSTEM_PATH } from "../../test/fixtures/must-run.ts";
import type { PageInput, PageReport } from "./page/input.ts";

export const PAGE = join(import.meta.dir, "page");

/** Bundles the page; `directory` gets `page.js` and `page.css`. */
export async function bundlePage(directory: string): Promise<void> {
  await Bun.build({
    entrypoints: [join(PAGE, "page.tsx")],
    outdir: directory,
    target: "browser",
    minify: true,
    define: { "process.env.NODE_ENV": '"production"' },
  });
}

export interface Visit {
  /** Where the page was bundled; the browser's own files go there too. */
  readonly directory: string;
  readonly input: PageInput;
  /** In pixels. */
  readonly width: number;
  readonly height: number;
  /** Takes the picture, as PNG. */
  readonly file: string;
}

/**
 * Takes a picture of the page; returns how high all of it is, in pixels.
 *
 * @throws {Error} With what the page or the browser says, when not everything was drawn.
 */
export async function visitPage(visit: Visit): Promise<number> {
  const reports: PageReport[] = [];
  const site = serve(visit, (report) => reports.push(report));
  try {
    const said = await browse(`${site.url}`, visit);
    const { error = "it reported nothing", height } = worst(reports) ?? {};
    if (height === undefined) throw new Error(`The page was not drawn: ${error}\n${said}`);
    return height;
  } finally {
    await site.stop(true);
  }
}

/** Errors may come before or after all graphs are there. */
function worst(reports: readonly PageReport[]): PageReport | undefined {
  return reports.find(({ error }) => error !== undefined) ?? reports[0];
}

/** Grafana's components look for its font at the path that is set here. */
const HTML = `<!doctype html><html lang="en"><head><meta charset="utf-8">
<link rel="stylesheet" href="page.css">
<script>window.__grafana_public_path__ = "/public/"</script></head>
<body style="margin:0"><div id="root"></div><script type="module" src="page.js"></script></body>
</html>`;
const FONTS: Readonly<Record<string, string>> = {
  "/public/fonts/inter/Inter-Regular.woff2": "inter-latin-400-normal.woff2",
  "/public/fonts/inter/Inter-Medium.woff2": "inter-latin-500-normal.woff2",
};

function serve({ directory, input }: Visit, onReport: (report: PageReport) => void) {
  return Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request) => {
      const { pathname } = new URL(request.url);
      const font = FONTS[pathname];
      if (font !== undefined)
        return new Response(Bun.file(join(PAGE, "node_modules/@fontsource/inter/files", font)));
      switch (pathname) {
        case "/":
          return new Response(HTML, { headers: { "content-type": "text/html" } });
        case "/page.js":
        case "/page.css":
          return new Response(Bun.file(join(directory, pathname)));
        case "/input.json":
          return Response.json(input);
        case "/report":
          onReport((await request.json()) as PageReport);
          return new Response();
        default:
          return new Response(`not served: ${pathname}`, { status: 404 });
      }
    },
  });
}

/** Runs Debian's chromium to its end; returns what it wrote. */
async function browse(url: string, { directory, width, height, file }: Visit): Promise<string> {
  const profile = mkdtempSync(join(directory, "profile-"));
  const command = [
    "chromium",
    ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
    ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
    ...["--hide-scrollbars", "--force-color-profile=srgb", "--lang=en-US"],
    `--user-data-dir=${profile}`,
    `--window-size=${width},${height}`,
    // Of the page's own clock, which runs as fast as the page can.
    "--virtual-time-budget=20000",
    `--screenshot=${file}`,
    url,
  ];
  const browser = Bun.spawn(["setpriv", "--pdeathsig", "KILL", "--", ...command], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
    timeout: 120_000,
    env: { PATH: SYSTEM_PATH, HOME: profile, TZ: "UTC", LANG: "C.UTF-8" },
  });
  const said = await new Response(browser.stderr).text();
  const status = await browser.exited;
  return `chromium ended with status ${status}:\n${said}`;
}
