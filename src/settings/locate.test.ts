import { expect, test } from "bun:test";
import { locateKeys } from "./locate.ts";
import { parseToml } from "./toml.ts";

/** `path line:column`, and `=line:column` of the value where there is one. */
function located(text: string): string[] {
  return Array.from(locateKeys(text), ([path, { line, column, value }]) => {
    const at = value === undefined ? "" : ` =${value.line}:${value.column}`;
    return `${path} ${line}:${column}${at}`;
  });
}

function lines(...text: string[]): string {
  return text.join("\n");
}

test("finds tables, keys and values", () => {
  const text = lines("# head", "top = 1", "[general]", "  executor = 'shell' # why", "a=true");

  expect(located(text)).toEqual([
    "top 2:1 =2:7",
    "general 3:1",
    "general.executor 4:3 =4:14",
    "general.a 5:1 =5:3",
  ]);
});

test("takes dotted keys apart, each part at its own place", () => {
  expect(located("a . b.c = 1")).toEqual(["a 1:1", "a.b 1:5", "a.b.c 1:7 =1:11"]);
});

test("gives an implied table the place of what implies it, until its own header comes", () => {
  expect(located("[a.b]")).toEqual(["a 1:1", "a.b 1:1"]);
  expect(located(lines("[a.b]", "", "[a]"))).toEqual(["a 3:1", "a.b 1:1"]);
});

test("understands quoted keys in headers and pairs", () => {
  const text = lines('["a.b" . \'c"]\']', '"x = \\"1\\" # no" = 2', "'[y]' = 3", '"" = 4');

  expect(located(text)).toEqual([
    '"a.b" 1:1',
    '"a.b"."c\\"]" 1:1',
    '"a.b"."c\\"]"."x = \\"1\\" # no" 2:1 =2:20',
    '"a.b"."c\\"]"."[y]" 3:1 =3:9',
    '"a.b"."c\\"]"."" 4:1 =4:6',
  ]);
});

test("decodes escapes in keys", () => {
  expect(located('"\\u0061\\x62\\U00000063" = 1')).toEqual(["abc 1:1 =1:26"]);
});

test("is not misled by what strings hold", () => {
  const text = lines(
    'a = "[x] # \\" y = 1"',
    "b = 'z = \\'",
    'c = "\\\\"',
    "d = ''",
    'e = ""',
    "f = 1",
  );

  expect([...locateKeys(text).keys()]).toEqual(["a", "b", "c", "d", "e", "f"]);
});

test("skips strings of several lines, with quotes at their end and escapes in them", () => {
  const text = lines(
    'a = """',
    "[not] # a table",
    'x = "" \\""" y',
    'end"""""',
    "b = '''",
    "y = 1 \\'''''",
    'c = """"""',
    "d = ''''''",
    'e = """\\\\"""',
    "f = 1",
  );

  expect(parseToml(text).ok).toBe(true);
  expect(located(text)).toEqual([
    "a 1:1 =1:5",
    "b 5:1 =5:5",
    "c 7:1 =7:5",
    "d 8:1 =8:5",
    "e 9:1 =9:5",
    "f 10:1 =10:5",
  ]);
});

test("gives elements of lists an index and a place, over several lines and with comments", () => {
  const text = lines(
    "a = [",
    "  'x', # ] no",
    "  # 'no',",
    '  """y',
    '  """ ,',
    "  [ 1,2 ],",
    "]",
    "b = []",
  );

  expect(located(text)).toEqual([
    "a 1:1 =1:5",
    "a[0] 2:3",
    "a[1] 4:3",
    "a[2] 6:3",
    "a[2][0] 6:5",
    "a[2][1] 6:7",
    "b 8:1 =8:5",
  ]);
});

test("goes into inline tables, also of several lines", () => {
  const text = lines("a = { b.c = 1, 'd' = [{e = 2}], f = {} }", "g = {", "  h = 1, # i = 2", "}");

  expect(located(text)).toEqual([
    "a 1:1 =1:5",
    "a.b 1:7",
    "a.b.c 1:9 =1:13",
    "a.d 1:16 =1:22",
    "a.d[0] 1:23",
    "a.d[0].e 1:24 =1:28",
    "a.f 1:33 =1:37",
    "g 2:1 =2:5",
    "g.h 3:3 =3:7",
  ]);
});

test("counts arrays of tables, also nested ones and tables below them", () => {
  const text = lines(
    "[[a]]",
    "x = 1",
    "[[a.b]]",
    "[[a.b]]",
    "y = 1",
    "[a.c]",
    "[[ a ]]",
    "[[a.b]]",
  );

  expect(located(text)).toEqual([
    "a 1:1",
    "a[0] 1:1",
    "a[0].x 2:1 =2:5",
    "a[0].b 3:1",
    "a[0].b[0] 3:1",
    "a[0].b[1] 4:1",
    "a[0].b[1].y 5:1 =5:5",
    "a[0].c 6:1",
    "a[1] 7:1",
    "a[1].b 8:1",
    "a[1].b[0] 8:1",
  ]);
});

test("reads numbers, dates with a blank, and values that touch what follows", () => {
  const text = lines(
    "a = 1979-05-27 07:32:00Z # c",
    "b = [-1.5e3,+inf,0x_f]#",
    "c = 07:32:00",
    "d = 1979-05-27 # 12:30",
  );

  expect([...locateKeys(text).keys()]).toEqual(["a", "b", "b[0]", "b[1]", "b[2]", "c", "d"]);
});

test("counts CRLF as one line end and tabs as one column", () => {
  expect(located('[a]\r\n\tb = """\r\nx"""\r\n\r\nc = 1\r\n')).toEqual([
    "a 1:1",
    "a.b 2:2 =2:6",
    "a.c 5:1 =5:5",
  ]);
});

test("keeps __proto__ and other special names apart from the language's own", () => {
  expect([...locateKeys("__proto__ = 1\nconstructor.x = 2").keys()]).toEqual([
    "__proto__",
    "constructor",
    "constructor.x",
  ]);
});

test("a long string or comment needs no deep stack", () => {
  const long = "\\\"'x".repeat(200_000);

  expect(located(`a = """${long}"""\n#${long}\n${"\n#".repeat(100_000)}\nb = 1`)).toEqual([
    "a 1:1 =1:5",
    "b 100004:1 =100004:5",
  ]);
});

test.each(["[", "[a", "a", "a =", "a = [1,", "a = {b", 'a = "x', "]", "= 1", "a = {,}", "[[a]"])(
  "comes to an end on %p, though it is not TOML",
  (text) => {
    expect(locateKeys(text).size).toBeLessThan(5);
  },
);

test("thousands of levels cost little and are not located", () => {
  const deep = `[${"a.".repeat(200_000)}b]\nx = 1\n[c]\ny = ${"[".repeat(900)}${"1,".repeat(100_000)}${"]".repeat(900)}`;

  const start = performance.now();
  const found = locateKeys(deep);

  expect(performance.now() - start).toBeLessThan(3000);
  expect(found.get("a.a.a")).toEqual({ line: 1, column: 1 });
  expect(found.get("c.y")).toEqual({ line: 4, column: 1, value: { line: 4, column: 5 } });
  expect(found.size).toBe(12 + 1 + 11);
});
