import { expect, test } from "bun:test";

/** Runs a program that knows `replaceBy`. */
function start(program: string) {
  const head = `import { replaceBy } from "${import.meta.dir}/exec.ts";\n`;
  return Bun.spawn([process.execPath, "-e", head + program], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: "/usr/bin:/bin", OLD: "old" },
  });
}

async function run(program: string) {
  const child = start(program);
  const stdout = await new Response(child.stdout).text();
  const stderr = await new Response(child.stderr).text();
  return { pid: child.pid, stdout, stderr, code: await child.exited };
}

const shell = (script: string, env = {}) =>
  `replaceBy("/bin/sh", ["other name", "-c", ${JSON.stringify(script)}, "zero"], ${JSON.stringify(env)});`;

test("the program has this process's number, the given environment and no more, and its status counts", async () => {
  const script = "echo $$; /usr/bin/env | /usr/bin/sort; exit 7";
  const { pid, stdout, stderr, code } = await run(shell(script, { NEW: "new" }));
  expect(stdout.split("\n").filter((line) => !/^(PWD|OLDPWD|_|SHLVL)=/.test(line))).toEqual([
    String(pid),
    "NEW=new",
    "",
  ]);
  expect({ stderr, code }).toEqual({ stderr: "", code: 7 });
});

test("it begins with no signal ignored or blocked, and with the three standard files alone", async () => {
  // No pipe behind ls: the shell would still have it open, or not.
  const script =
    "PATH=/usr/bin:/bin; grep -E 'Sig(Ign|Blk)' /proc/$$/status | cut -f2; ls /proc/$$/fd; :";
  const open = 'import { openSync } from "node:fs"; openSync("/etc/passwd", "r");\n';
  const { stdout } = await run(open + shell(script));
  expect(stdout).toBe(`${"0".repeat(16)}\n${"0".repeat(16)}\n0\n1\n2\n`);
});

test("what it starts stays below it, also after a double fork into a session of its own", async () => {
  const script = `
    PATH=/usr/bin:/bin
    pid=$(sh -c 'setsid sh -c "echo \\$\\$; exec sleep 1000 > /dev/null" &')
    while [ "$(ps -o ppid= -p $pid | tr -d ' ')" != $$ ]; do sleep 0.01; done
    echo adopted
    kill $pid`;
  expect(await run(shell(script))).toMatchObject({ stdout: "adopted\n", code: 0 });
});

test("a program that cannot be executed is an exception, and this process goes on", async () => {
  const program =
    'try { replaceBy("/no/such/program", ["x"], {}); } catch (error) { console.log(error.code); }';
  expect(await run(program)).toMatchObject({ stdout: "ENOENT\n", code: 0 });
});
