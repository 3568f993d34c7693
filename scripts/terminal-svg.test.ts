import { expect, test } from "bun:test";
import { svgOf } from "./terminal-svg.ts";

const RED = "#f38ba8";

test("colours and weights last until they are reset, also over line ends", () => {
  const svg = svgOf("\u001b[1;31merror\u001b[0m plain\n\u001b[31mred\nstill red\u001b[39m not", 40);
  expect(svg).toContain(`<tspan fill="${RED}" font-weight="bold">error</tspan>`);
  expect(svg).toMatch(/<tspan fill="#cdd6f4"> plain<\/tspan>/);
  expect(svg).toContain(`<tspan fill="${RED}">red</tspan>`);
  expect(svg).toContain(`<tspan fill="${RED}">still red</tspan><tspan fill="#cdd6f4"> not</tspan>`);
});

test("what XML would read as its own is escaped, and other control sequences are left out", () => {
  const svg = svgOf("a <b> & c\u001b[2K\u001b[?25h\u0007", 40);
  expect(svg).toContain(">a &lt;b> &amp; c</tspan>");
});

test("a line that is too long goes on below; sequences take no room", () => {
  const svg = svgOf(`${"x".repeat(7)}\u001b[32m${"y".repeat(5)}`, 10);
  expect(svg.match(/<text /g)?.length).toBe(2);
  expect(svg).toContain(`${"y".repeat(3)}</tspan></text>`);
  expect(svg).toContain(`">${"y".repeat(2)}</tspan></text>`);
});

test("the picture is as high as its lines", () => {
  const height = (text: string) => Number(/ height="(\d+)"/.exec(svgOf(text, 10))?.[1]);
  expect(height("a\nb\nc") - height("a")).toBe(2 * 19);
});
