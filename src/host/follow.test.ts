import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import {
  appendFileSync,
  mkdirSync,
  renameSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { type FreshDirectory, freshDirectory } from "../../test/fixtures/directory.ts";
import { type Follower, type FollowOptions, followFile } from "./follow.ts";

const MEBI = 1024 * 1024;

let fresh: FreshDirectory;
beforeAll(() => {
  fresh = freshDirectory("follow");
});
afterAll(() => fresh.remove());

let files = 0;
let path = "";
let text = "";
let restarts = 0;
let waiting = () => {};
const followers: Follower[] = [];
beforeEach(() => {
  path = `${fresh.path}/output-${files++}`;
  text = "";
  restarts = 0;
});
afterEach(async () => {
  await Promise.all(followers.splice(0).map((follower) => follower.done().catch(() => {})));
});

function follow(options: Partial<FollowOptions> = {}): Follower {
  const write = (bytes: Uint8Array) => {
    text += Buffer.from(bytes).toString("latin1");
    waiting();
  };
  const onRestart = () => {
    restarts++;
    text += "|";
    waiting();
  };
  const follower = followFile(path, { write, onRestart, poll: 5, ...options });
  followers.push(follower);
  return follower;
}

/** Waits until everything that was written has come. */
function until(wanted: string): Promise<void> {
  return new Promise((resolve) => {
    waiting = () => {
      if (text === wanted) resolve();
    };
    waiting();
  });
}

for (const reopen of [false, true]) {
  describe(reopen ? "opened anew for each look" : "kept open", () => {
    test("a file that comes late, and grows, comes whole and once", async () => {
      const follower = follow({ reopen });
      await Bun.sleep(20);
      writeFileSync(path, "one\n");
      await until("one\n");
      appendFileSync(path, "tw");
      await until("one\ntw");
      appendFileSync(path, "o\nno newline");
      await follower.done();
      expect(text).toBe("one\ntwo\nno newline");
      expect(follower).toMatchObject({ bytes: 18, problem: undefined });
      expect(restarts).toBe(0);
    });

    test("bytes stay as they are", async () => {
      const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
      writeFileSync(path, "10 %\r20 %\r\n");
      const follower = follow({ reopen });
      await until("10 %\r20 %\r\n");
      appendFileSync(path, bytes);
      await follower.done();
      expect(text).toBe(`10 %\r20 %\r\n${Buffer.from(bytes).toString("latin1")}`);
    });

    test("a file that is truncated is followed from its start", async () => {
      writeFileSync(path, "a long first run\n");
      const follower = follow({ reopen });
      await until("a long first run\n");
      writeFileSync(path, "second\n");
      await until("a long first run\n|second\n");
      truncateSync(path);
      await until("a long first run\n|second\n|");
      appendFileSync(path, "third\n");
      await follower.done();
      expect(text).toBe("a long first run\n|second\n|third\n");
    });

    test("also when it has already grown beyond what was read", async () => {
      writeFileSync(path, "first run\n");
      const follower = follow({ reopen });
      await until("first run\n");
      writeFileSync(path, "the second run says more\n");
      await follower.done();
      expect(text).toBe("first run\n|the second run says more\n");
    });

    test("another file at the path comes after the rest of the old one", async () => {
      writeFileSync(path, "old\n");
      const follower = follow({ reopen });
      await until("old\n");
      appendFileSync(path, "rest\n");
      writeFileSync(`${path}.new`, "old\nrest\nnew\n");
      renameSync(`${path}.new`, path);
      await until("old\nrest\n|old\nrest\nnew\n");
      unlinkSync(path);
      await Bun.sleep(20);
      writeFileSync(path, "again\n");
      await follower.done();
      expect(text).toBe("old\nrest\n|old\nrest\nnew\n|again\n");
    });

    test("lines written while it is read are neither lost nor doubled", async () => {
      const follower = follow({ reopen, poll: 1 });
      let wanted = "";
      for (let line = 0; line < 3000; line++) {
        appendFileSync(path, `line ${line}\n`);
        wanted += `line ${line}\n`;
        if (line % 10 === 0) await Bun.sleep(0);
      }
      await follower.done();
      expect(text).toBe(wanted);
    });
  });
}

test("no file at all is no trouble", async () => {
  const follower = follow();
  await follower.done();
  await follower.done();
  expect(follower).toMatchObject({ bytes: 0, problem: undefined });
});

test("what is no file is reported, and a file in its place is followed", async () => {
  mkdirSync(path);
  const follower = follow();
  await Bun.sleep(30);
  expect(follower.problem).toContain(path);
  renameSync(path, `${path}.directory`);
  writeFileSync(path, "text\n");
  await follower.done();
  expect(text).toBe("text\n");
  expect(follower.problem).toBeUndefined();
});

test("a FIFO does not hang", async () => {
  expect(Bun.spawnSync(["mkfifo", path]).exitCode).toBe(0);
  const follower = follow();
  await follower.done();
  expect(follower.problem).toContain("not a regular file");
});

test("300 MB come whole, in small pieces, in bounded memory", async () => {
  const piece = Buffer.alloc(10 * MEBI);
  for (let index = 0; index < piece.length; index += 8) piece.writeDoubleLE(Math.random(), index);
  const wanted = new Bun.CryptoHasher("sha1");
  const got = new Bun.CryptoHasher("sha1");
  let largest = 0;
  writeFileSync(path, "");
  const before = process.memoryUsage.rss();
  const follower = follow({
    write: (bytes) => {
      got.update(bytes);
      largest = Math.max(largest, bytes.length);
    },
  });
  for (let round = 0; round < 30; round++) {
    appendFileSync(path, piece);
    wanted.update(piece);
    await Bun.sleep(0);
  }
  await follower.done();
  expect(follower.bytes).toBe(300 * MEBI);
  expect(got.digest("hex")).toBe(wanted.digest("hex"));
  expect(largest).toBeLessThanOrEqual(MEBI);
  expect(process.memoryUsage.rss() - before).toBeLessThan(100 * MEBI);
});

test("a slow reader is waited for", async () => {
  writeFileSync(path, Buffer.alloc(5 * MEBI, "x"));
  let inside = 0;
  let most = 0;
  const follower = follow({
    write: async () => {
      most = Math.max(most, ++inside);
      await Bun.sleep(5);
      inside--;
    },
  });
  await follower.done();
  expect(follower.bytes).toBe(5 * MEBI);
  expect(most).toBe(1);
});

test("a writer that never stops does not keep it from ending", async () => {
  writeFileSync(path, "start\n");
  const busy = path;
  const follower = follow({ write: () => appendFileSync(busy, "more and more\n") });
  await Bun.sleep(20);
  await follower.done();
  expect(follower.bytes).toBeGreaterThanOrEqual(6);
});

test("an abort stops at once and delivers no more", async () => {
  const abort = new AbortController();
  writeFileSync(path, "before\n");
  const follower = follow({ signal: abort.signal, poll: 60_000 });
  await until("before\n");
  abort.abort();
  appendFileSync(path, "after\n");
  await follower.done();
  expect(text).toBe("before\n");
});

test("what the reader throws comes out of done, and nothing before", async () => {
  writeFileSync(path, "text\n");
  const follower = follow({
    write: () => {
      throw new Error("no more");
    },
  });
  await Bun.sleep(20);
  expect(follower.done()).rejects.toThrow("no more");
});

test("while nothing comes, it hardly works", async () => {
  writeFileSync(path, "text\n");
  const follower = follow({ reopen: true, poll: 100 });
  await until("text\n");
  const before = process.cpuUsage();
  await Bun.sleep(1500);
  const { user, system } = process.cpuUsage(before);
  await follower.done();
  expect((user + system) / 1000).toBeLessThan(75);
});
