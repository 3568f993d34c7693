/** Proxies and the hook's own environment. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { connect, createServer, type Server } from "node:net";
import { type BadRegistry, startBadRegistry, status } from "../../test/fixtures/bad-registry.ts";
import { freePort } from "../../test/fixtures/daemon.ts";
import { type FreshDirectory, freshDirectory } from "../../test/fixtures/directory.ts";
import { testClient } from "../../test/fixtures/registry-client.ts";

const DIGEST = `sha256:${"d".repeat(64)}`;
const NAMES = [
  "HTTPS_PROXY",
  "https_proxy",
  "NO_PROXY",
  "no_proxy",
  "NODE_TLS_REJECT_UNAUTHORIZED",
];

let directory: FreshDirectory;
let registry: BadRegistry;
let proxy: { url: string; seen: string[]; server: Server };
let dead: string;

beforeAll(async () => {
  directory = freshDirectory("registry-transport");
  registry = await startBadRegistry(directory.path);
  registry.answer("/v2/a/b/manifests/latest", status(200, { "Docker-Content-Digest": DIGEST }));
  proxy = await startProxy();
  dead = `http://127.0.0.1:${await freePort()}`;
});
afterAll(() => {
  proxy?.server.close();
  registry?.stop();
  directory?.remove();
});
const before = new Map(NAMES.map((name) => [name, process.env[name]]));
afterEach(() => {
  for (const [name, value] of before) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
});

/** A proxy that makes tunnels, and refuses those without its password if `password` is part of the way. */
async function startProxy() {
  const seen: string[] = [];
  const server = createServer((client) => {
    client.once("data", (head) => {
      const text = head.toString();
      const target = /^CONNECT (\S+):(\d+) /.exec(text);
      const account = /proxy-authorization: (.*)\r/i.exec(text)?.[1];
      seen.push([target?.[0].trim(), account].filter((part) => part).join(" "));
      if (text.includes("refused.example"))
        return client.end("HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n");
      const onward = connect(Number(target?.[2]), target?.[1] ?? "", () => {
        client.write("HTTP/1.1 200 Connection established\r\n\r\n");
        client.pipe(onward).pipe(client);
      });
      onward.on("error", () => client.destroy());
      client.on("error", () => onward.destroy());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("the proxy has no port");
  return { url: `http://127.0.0.1:${address.port}`, seen, server };
}

function resolve(proxies: Record<string, string>, host = registry.host) {
  const target = { registry: host, repository: "a/b", reference: "latest" };
  const client = testClient(registry, { proxies, limits: { attempts: 1 } });
  return client.resolve(target);
}

/** Which tunnels `call` had made. */
async function tunnels(call: () => Promise<unknown>) {
  const first = proxy.seen.length;
  const result = await call();
  return { result, tunnels: proxy.seen.slice(first) };
}

describe("the login shell's proxy", () => {
  test("is used, with its account", async () => {
    const url = proxy.url.replace("//", "//me:pass@");
    expect(await tunnels(() => resolve({ https_proxy: url }))).toMatchObject({
      result: { ok: true },
      tunnels: [`CONNECT ${registry.host} Basic ${btoa("me:pass")}`],
    });
  });

  test("is not used for what no_proxy exempts", async () => {
    const proxies = { https_proxy: dead, no_proxy: "127.0.0.1" };
    expect(await resolve(proxies)).toMatchObject({ ok: true });
  });

  test("is named when it is down, without its password", async () => {
    const result = await resolve({ https_proxy: dead.replace("//", "//me:pass@") });
    expect(result).toEqual({
      ok: false,
      failure: "unreachable",
      said: `cannot talk to ${registry.host} through the proxy ${dead.slice(7)}: it refuses connections (ECONNREFUSED), after 1 try`,
    });
  });

  test("that refuses the tunnel is told", async () => {
    const result = await resolve({ https_proxy: proxy.url }, "refused.example");
    expect(result).toEqual({
      ok: false,
      failure: "unreachable",
      said: `cannot talk to refused.example through the proxy ${proxy.url.slice(7)}: Proxy refused to open a tunnel: 407 No`,
    });
  });

  test.each([
    ["socks5://me:pass@127.0.0.1:1", "socks5:"],
    ["http://me:pass@:x", "no URL"],
  ])("%s cannot be used", async (all_proxy, kind) => {
    expect(await resolve({ all_proxy })).toEqual({
      ok: false,
      failure: "other",
      said: `cannot talk to ${registry.host}: the proxy of the login shell (https_proxy, all_proxy) is ${kind}, wanted http: or https:`,
    });
  });
});

describe("the hook's own environment", () => {
  test("does not bring a proxy", async () => {
    process.env["HTTPS_PROXY"] = dead;
    process.env["https_proxy"] = dead;
    expect(await resolve({})).toMatchObject({ ok: true });
    expect(process.env["HTTPS_PROXY"]).toBe(dead);
  });

  test("does not keep from the login shell's proxy", async () => {
    process.env["NO_PROXY"] = "127.0.0.1";
    process.env["no_proxy"] = "*";
    expect((await tunnels(() => resolve({ https_proxy: proxy.url }))).tunnels).toEqual([
      `CONNECT ${registry.host}`,
    ]);
    expect(process.env["no_proxy"]).toBe("*");
  });

  test("does not make any certificate good", async () => {
    process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
    const target = { registry: registry.host, repository: "a/b", reference: "latest" };
    expect(await testClient({ caFile: "" }).resolve(target)).toMatchObject({
      failure: "untrusted",
    });
  });
});
