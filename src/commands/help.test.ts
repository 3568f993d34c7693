import { expect, test } from "bun:test";
import { CACHE_ACTIONS } from "./cache.ts";
import { programFor } from "./cli.ts";
import { commandHelp, helpOn } from "./help.ts";

const program = programFor({ env: {}, noAuth: false, words: [], command: undefined, exit: 0 });
const commands = Object.entries(program.subCommands);

test("every command has examples, and its help shows them", async () => {
  for (const [name, command] of commands) {
    const examples = command.examples ?? [];
    expect([name, examples.length > 0]).toEqual([name, true]);
    const text = await commandHelp(command, program);
    const [, shown = ""] = text.split("EXAMPLES\n");
    for (const { line, what } of examples) expect(shown).toContain(`  ${line}\n      ${what}`);
  }
});

test("an example uses options that its command, or the program before it, has", () => {
  for (const [name, command] of [["", program] as const, ...commands]) {
    const known = [...Object.keys(program.args), ...Object.keys(command.args ?? {}), "no-auth"];
    for (const { line } of command.examples ?? []) {
      const [ours = ""] = line.split(" -- ");
      const unknown = [...ours.matchAll(/--([a-z-]+)/g)].filter(
        ([, option = ""]) => !known.includes(option),
      );
      expect([name, line, unknown]).toEqual([name, line, []]);
    }
  }
});

test("help without a topic is that of the program, with one that of a command or a key", async () => {
  expect(await helpOn(undefined, program)).toEqual({
    found: true,
    text: await commandHelp(undefined, program),
  });
  expect(await helpOn("check", program)).toEqual({
    found: true,
    text: await commandHelp(program.subCommands["check"], program),
  });
  expect((await helpOn("data_dir", program)).text).toContain('data_dir = "$HOME"');
  expect((await helpOn("[batch]", program)).text).toContain("command_delay");
});

test("a command with the name of a table says where the table is explained", async () => {
  expect((await helpOn("cache", program)).text).toEndWith(
    "cache is in the configuration, too: jacamar help general.charliecloud.cache",
  );
});

test("an unknown topic gives the nearest command and keys", async () => {
  for (const [topic, text] of [
    ["prepair", 'no command, key or table is called "prepair"; nearest is prepare'],
    ["constructor", 'no command, key or table is called "constructor", nor anything like it'],
    [
      "enable",
      'no command, key or table is called "enable"; nearest are general.charliecloud.cache.enabled, auth.enabled, auth.logging.enabled',
    ],
  ] as const)
    expect(await helpOn(topic, program)).toEqual({ found: false, text });
});

test("completion of jacamar cache knows every action", () => {
  expect(program.subCommands["cache"]?.words).toEqual({ action: CACHE_ACTIONS });
});
