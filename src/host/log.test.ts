import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { closeSync, constants, openSync } from "node:fs";
import { type FreshDirectory, freshDirectory } from "../../test/fixtures/directory.ts";
import { mustRun } from "../../test/fixtures/must-run.ts";

let fresh: FreshDirectory;
beforeAll(() => {
  fresh = freshDirectory("log");
});
afterAll(() => fresh.remove());

/** A process in which all of the log's functions are known: secrets are registered for the whole process. */
function start(program: string, stdout: number | "pipe" = "pipe", prefix: readonly string[] = []) {
  const head = `
    import { createLog } from "${import.meta.dir}/log.ts";
    import { redact, registerSecrets, writeLine } from "${import.meta.dir}/redact.ts";\n`;
  return Bun.spawn([...prefix, process.execPath, "-e", head + program], {
    stdio: ["ignore", stdout, "pipe"],
  });
}

const textOf = (stream: unknown) =>
  stream instanceof ReadableStream ? new Response(stream).text() : Promise.resolve("");

async function run(program: string): Promise<{ stdout: string; stderr: string; code: number }> {
  const child = start(program);
  const [stdout, stderr, code] = await Promise.all([
    textOf(child.stdout),
    textOf(child.stderr),
    child.exited,
  ]);
  return { stdout, stderr, code };
}

describe("redact()", () => {
  const redacted = async (secrets: readonly string[], text: string) => {
    const program = `registerSecrets(${JSON.stringify(secrets)}); process.stdout.write(redact(${JSON.stringify(text)}));`;
    const { stdout, stderr, code } = await run(program);
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
    return stdout;
  };

  test("masks a secret as it is, URL-encoded and in base64, each time it occurs", async () => {
    const secret = "glpat-a/b c+d=é?";
    const url = encodeURIComponent(secret);
    const base64 = Buffer.from(secret).toString("base64");
    expect(await redacted([secret], `<${secret}><${url}><${base64}><${secret}>`)).toBe(
      "<[MASKED]><[MASKED]><[MASKED]><[MASKED]>",
    );
  });

  test("masks the longest first, so that nothing of a secret that contains another is left", async () => {
    expect(await redacted(["token", "token-of-the-job"], "token-of-the-job, token")).toBe(
      "[MASKED], [MASKED]",
    );
  });

  test("takes a secret as it is, not as a pattern", async () => {
    expect(await redacted(["a.b*$&"], "a.b*$& axb*$& $&")).toBe("[MASKED] axb*$& $&");
  });

  test("leaves values alone that are too short to be secrets", async () => {
    expect(await redacted(["", "a", "abc"], "a abc abcd")).toBe("a abc abcd");
  });

  test("accepts a value that no URL can hold", async () => {
    expect(await redacted(["half\ud800", "second secret"], "second secret")).toBe("[MASKED]");
  });
});

describe("createLog()", () => {
  test("writes ordinary lines where it is told to, warnings and errors with a prefix to stderr", async () => {
    const program = (info: number) =>
      `const log = createLog({ info: ${info} }); log.log("plain"); log.info("info"); log.warn("two\\nlines"); log.error("error");`;
    const mixed = "jacamar: warning: two\njacamar: warning: lines\njacamar: error: error\n";
    expect(await run(program(1))).toEqual({ stdout: "plain\ninfo\n", stderr: mixed, code: 0 });
    expect(await run(program(2))).toEqual({
      stdout: "",
      stderr: `plain\ninfo\n${mixed}`,
      code: 0,
    });
  });

  test("masks secrets in every line, also one with several lines", async () => {
    const program = `
      registerSecrets(["first line\\nsecond line", "password"]);
      const log = createLog({ info: 1 });
      log.log("a first line\\nsecond line b");
      log.error("my password");`;
    expect(await run(program)).toEqual({
      stdout: "a [MASKED] b\n",
      stderr: "jacamar: error: my [MASKED]\n",
      code: 0,
    });
  });
});

describe("a log", () => {
  test("that nobody reads any more changes nothing", async () => {
    const path = `${fresh.path}/pipe`;
    mustRun(["mkfifo", path]);
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const writer = openSync(path, "w");
    closeSync(reader);
    const child = start(
      'for (let i = 0; i < 10; i++) writeLine(1, "lost"); writeLine(2, "end");',
      writer,
    );
    closeSync(writer);
    expect(await textOf(child.stderr)).toBe("end\n");
    expect(await child.exited).toBe(0);
  });

  test("that is full at the moment gets every line in the end", async () => {
    const nonBlocking =
      "use Fcntl; fcntl(STDOUT, F_SETFL, O_WRONLY | O_NONBLOCK) or die; exec @ARGV";
    const program = 'for (let i = 0; i < 5000; i++) writeLine(1, i + " " + "x".repeat(200));';
    const child = start(program, "pipe", ["perl", "-e", nonBlocking, "--"]);
    await Bun.sleep(300);
    const lines = (await textOf(child.stdout)).trimEnd().split("\n");
    expect(await child.exited).toBe(0);
    expect(lines.map((line) => Number.parseInt(line, 10))).toEqual(
      Array.from({ length: 5000 }, (_, i) => i),
    );
  });
});
