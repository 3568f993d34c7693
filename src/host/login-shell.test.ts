import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { type FreshDirectory, freshDirectory } from "../../test/fixtures/directory.ts";
import { type LoginShell, logIn } from "./login-shell.ts";

let fresh: FreshDirectory;
beforeAll(() => {
  fresh = freshDirectory("login");
});
afterAll(() => fresh.remove());

const NEVER = new AbortController().signal;

/** The clean login shell of a user with this profile. */
function shellWith(profile: string): LoginShell {
  const home = mkdtempSync(`${fresh.path}/home-`);
  mkdirSync(home, { recursive: true });
  writeFileSync(`${home}/.bash_profile`, profile);
  return { bash: "/bin/bash", env: { HOME: home, USER: "someone" } };
}

const environmentOf = (profile: string) => logIn(shellWith(profile), NEVER).then(({ env }) => env);

describe("the login environment", () => {
  test("has what the shell started with and what the profile exports, whole", async () => {
    const env = await environmentOf(`
      export LINES_OF_TEXT=$'first\\nsecond=\\n\\nlast\\n' EMPTY= EQUALS=a=b=c
      export ACCENT='é🎉'
      hidden=1
      module() { echo "loading $1"; }
      export -f module
    `);
    expect(env).toMatchObject({
      USER: "someone",
      LINES_OF_TEXT: "first\nsecond=\n\nlast\n",
      EMPTY: "",
      EQUALS: "a=b=c",
      ACCENT: "é🎉",
    });
    expect(env["BASH_FUNC_module%%"]).toContain("loading");
    expect(env).not.toHaveProperty("hidden");
  });

  test("is found behind whatever a profile prints", async () => {
    const env = await environmentOf(`
      echo "Welcome to the cluster"; echo quota >&2; printf 'A=b\\0C=d\\0'
      head -c 200000 /dev/zero
      export FOUND=yes
    `);
    expect(env).toMatchObject({ FOUND: "yes" });
    expect(env).not.toHaveProperty("A");
  });

  test("is read also when the profile leaves a PATH without programs, and options that end shells", async () => {
    const env = await environmentOf("export PATH=/site/only\nset -eu\nshopt -s failglob\n");
    expect(env["PATH"]).toBe("/site/only");
  });

  test("has nothing of the driver's own environment", async () => {
    const name = "JACAMAR_TEST_LEAK";
    process.env[name] = "leaked";
    try {
      expect(await environmentOf("")).not.toHaveProperty(name);
    } finally {
      delete process.env[name];
    }
  });

  test("does not wait for what the profile starts in the background", async () => {
    const since = performance.now();
    const env = await environmentOf("sleep 1000 & export AGENT=$!\n");
    expect(performance.now() - since).toBeLessThan(20_000);
    process.kill(Number(env["AGENT"]), "SIGKILL");
  });

  test("comes with the time in the user's own zone", async () => {
    const before = Math.floor(Date.now() / 1000) * 1000;
    const { time } = await logIn(shellWith("export TZ=JAC-5:30\n"), NEVER);
    const [, date, clock] = /^(\S+) (\S+) JAC$/.exec(time) ?? [];
    const told = Date.parse(`${date}T${clock}+05:30`);
    expect(told).toBeGreaterThanOrEqual(before);
    expect(told).toBeLessThanOrEqual(Date.now());
  });

  test("is read from a profile that would ask a question, with an empty answer", async () => {
    const env = await environmentOf("read -r ANSWER || true\nexport ANSWER\n");
    expect(env["ANSWER"]).toBe("");
  });
});

describe("a profile that gets in the way is a system failure that says what to look for", () => {
  const failureOf = async (profile: string, timeout?: number) => {
    const shell = shellWith(profile);
    const failure = await logIn(shell, NEVER, timeout).catch((error: unknown) => error);
    return failure instanceof Error ? `${failure.name}: ${failure.message}` : "no failure";
  };
  const begin = "SystemFailure: cannot read the login environment: /bin/bash --login";
  const advice = "; look for exit, exec or an error in the shell's profile files";

  test("by an exit", async () => {
    expect(await failureOf("echo bye\nexit 0\n")).toBe(
      `${begin} ended with status 0 before it ran a command${advice}`,
    );
  });

  test("by an exec of another program, with its last words", async () => {
    expect(await failureOf("exec sh -c 'echo one >&2; echo two >&2; exit 9'\n")).toBe(
      `${begin} ended with status 9 before it ran a command (two)${advice}`,
    );
  });

  test("by a signal", async () => {
    expect(await failureOf("kill -KILL $$\n")).toBe(
      `${begin} was ended by SIGKILL before it ran a command${advice}`,
    );
  });

  test("by taking too long", async () => {
    const since = performance.now();
    expect(await failureOf("trap '' TERM\nsleep 1000\n", 200)).toBe(
      `${begin} did not end within 0.2 seconds before it ran a command${advice}`,
    );
    expect(performance.now() - since).toBeLessThan(30_000);
  });

  test("and so is a bash that is not there", async () => {
    const shell = { bash: "/no/bash", env: {} };
    await expect(logIn(shell, NEVER)).rejects.toThrow("no such program");
  });

  test("and a cancel while it is read", async () => {
    const controller = new AbortController();
    const reading = logIn(shellWith("sleep 1000\n"), controller.signal);
    setTimeout(() => controller.abort(), 200);
    await expect(reading).rejects.toThrow("was cancelled");
  });
});
