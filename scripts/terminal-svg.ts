/** What a terminal shows, as a picture. */

const CELL_WIDTH = 8.4;
const LINE_HEIGHT = 19;
const MARGIN = 16;
const PALETTE = {
  background: "#1e1e2e",
  text: "#cdd6f4",
  colours: ["#585b70", "#f38ba8", "#a6e3a1", "#f9e2af", "#89b4fa", "#f5c2e7", "#94e2d5", "#bac2de"],
} as const;

interface Style {
  readonly colour: string;
  readonly bold: boolean;
  readonly faint: boolean;
}

const PLAIN: Style = { colour: PALETTE.text, bold: false, faint: false };

/** Draws text with its colours (SGR); lines that are longer than `columns` go on below. Other control sequences are left out. */
export function svgOf(text: string, columns: number): string {
  const lines = text.split("\n").flatMap((line) => foldedLine(line, columns));
  const width = Math.round(columns * CELL_WIDTH + 2 * MARGIN);
  const height = lines.length * LINE_HEIGHT + 2 * MARGIN;
  let style = PLAIN;
  const rows = lines.map((line, at) => {
    const drawn = drawLine(line, style);
    style = drawn.style;
    const y = MARGIN + (at + 0.75) * LINE_HEIGHT;
    return drawn.spans === "" ? "" : `<text x="${MARGIN}" y="${y}">${drawn.spans}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<rect width="100%" height="100%" rx="8" fill="${PALETTE.background}"/>`,
    `<g font-family="ui-monospace, 'DejaVu Sans Mono', monospace" font-size="14" xml:space="preserve">`,
    ...rows.filter((row) => row !== ""),
    "</g>",
    "</svg>",
    "",
  ].join("\n");
}

/** Control sequences take no room. */
const SEQUENCE = /\u001b\[([0-9;?]*)([A-Za-z])/g;

function foldedLine(line: string, columns: number): string[] {
  const rows: string[] = [];
  let row = "";
  let used = 0;
  for (const [part = ""] of line.matchAll(/\u001b\[[0-9;?]*[A-Za-z]|\P{Cc}/gu)) {
    if (part.length === 1 || !part.startsWith("\u001b[")) {
      if (used === columns) {
        rows.push(row);
        row = "";
        used = 0;
      }
      used++;
    }
    row += part;
  }
  return [...rows, row];
}

function drawLine(line: string, before: Style): { readonly spans: string; readonly style: Style } {
  let style = before;
  let spans = "";
  let from = 0;
  const add = (text: string) => {
    if (text !== "") spans += span(text, style);
  };
  for (const match of line.matchAll(SEQUENCE)) {
    add(line.slice(from, match.index));
    from = match.index + match[0].length;
    if (match[2] === "m") style = styleAfter(style, match[1] ?? "");
  }
  add(line.slice(from));
  return { spans, style };
}

function styleAfter(before: Style, codes: string): Style {
  let style = before;
  for (const code of codes.split(";")) style = styleWith(style, Number(code || "0"));
  return style;
}

function styleWith(style: Style, code: number): Style {
  if (code === 0) return PLAIN;
  if (code === 1) return { ...style, bold: true };
  if (code === 2) return { ...style, faint: true };
  if (code === 22) return { ...style, bold: false, faint: false };
  if (code === 39) return { ...style, colour: PALETTE.text };
  const bright = code >= 90 && code < 98;
  const colour = PALETTE.colours[bright ? code - 90 : code - 30];
  return colour === undefined ? style : { ...style, colour };
}

function span(text: string, { colour, bold, faint }: Style): string {
  const escaped = text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(/[\u0000-\u001f\u007f]/g, "");
  if (escaped === "") return "";
  const weight = bold ? ' font-weight="bold"' : "";
  const opacity = faint ? ' opacity="0.6"' : "";
  return `<tspan fill="${colour}"${weight}${opacity}>${escaped}</tspan>`;
}
