import { dlopen, ptr } from "bun:ffi";
import { afterAll, beforeAll, expect, test } from "bun:test";
import { closeSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { appendLine, eventLine, sendToSyslog } from "./event-log.ts";
import { registerSecrets } from "./redact.ts";

let dir = "";
beforeAll(() => {
  dir = mkdtempSync("/var/tmp/jacamar-events-");
});
afterAll(() => rmSync(dir, { recursive: true }));

test("a line is JSON, whatever a secret looks like, and holds none of it", () => {
  const odd = 'top","phase":"se\ncret';
  registerSecrets([odd, "glpat-secret"]);
  const line = eventLine({ phase: "prepare", message: `no ${odd} glpat-secret`, seconds: 1 });
  expect(JSON.parse(line)).toEqual({
    phase: "prepare",
    message: "no [MASKED] [MASKED]",
    seconds: 1,
  });
  expect(line).not.toContain("\n");
});

test("lines of many processes do not mix", async () => {
  const file = `${dir}/log.jsonl`;
  const line = (name: string) => JSON.stringify({ name, text: name.repeat(2000) });
  const program = (name: string) => `
    import { appendLine } from ${JSON.stringify(`${import.meta.dir}/event-log.ts`)};
    for (let i = 0; i < 50; i++) appendLine(${JSON.stringify(file)}, ${JSON.stringify(line(name))});
  `;
  const children = ["a", "b", "c"].map((name) =>
    Bun.spawn([process.execPath, "-e", program(name)], { stderr: "inherit" }),
  );
  await Promise.all(children.map(({ exited }) => exited));
  appendLine(file, line("d"));
  const counts = new Map<string, number>();
  for (const one of readFileSync(file, "utf8").trimEnd().split("\n"))
    counts.set(one, (counts.get(one) ?? 0) + 1);
  expect(counts).toEqual(
    new Map([
      [line("a"), 50],
      [line("b"), 50],
      [line("c"), 50],
      [line("d"), 1],
    ]),
  );
});

/** A datagram socket as a syslog daemon has it. */
function listen(path: string) {
  const libc = dlopen("libc.so.6", {
    socket: { args: ["i32", "i32", "i32"], returns: "i32" },
    bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
    recv: { args: ["i32", "ptr", "u64", "i32"], returns: "i64" },
  });
  const fd = libc.symbols.socket(1, 2, 0);
  const address = Buffer.concat([Buffer.from([1, 0]), Buffer.from(path), Buffer.from([0])]);
  if (libc.symbols.bind(fd, ptr(address), address.length) !== 0) throw new Error("no socket");
  return {
    receive: () => {
      const bytes = Buffer.alloc(10_000);
      const length = Number(libc.symbols.recv(fd, ptr(bytes), bytes.length, 0x40));
      return bytes.toString("utf8", 0, Math.max(0, length));
    },
    close: () => closeSync(fd),
  };
}

test("syslog gets a line as one datagram with priority and tag", () => {
  const socket = listen(`${dir}/syslog.sock`);
  const line = JSON.stringify({ text: "x".repeat(4000) });
  sendToSyslog(line, `${dir}/syslog.sock`);
  expect(socket.receive()).toBe(`<14>jacamar[${process.pid}]: ${line}`);
  socket.close();
});

test("without a daemon it says so", () => {
  expect(() => sendToSyslog("x", `${dir}/nobody`)).toThrow(
    `nobody takes messages at ${dir}/nobody`,
  );
});
