import { expect, test } from "bun:test";
import { proxyFor } from "./proxy.ts";

const PROXY = "http://proxy.example:3128";
const URL_OF = (host: string) => new URL(`https://${host}/v2/`);

test.each([
  ["https_proxy", { https_proxy: PROXY }, PROXY],
  ["HTTPS_PROXY", { HTTPS_PROXY: PROXY }, PROXY],
  ["all_proxy", { ALL_PROXY: PROXY }, PROXY],
  ["no scheme", { https_proxy: "proxy.example:3128" }, PROXY],
  ["an empty lower-case variable", { https_proxy: "", HTTPS_PROXY: PROXY }, undefined],
  ["only http_proxy", { http_proxy: PROXY }, undefined],
  ["none", {}, undefined],
])("takes the proxy of %s", (_, environment, expected) => {
  expect(proxyFor(URL_OF("registry.example"), environment)).toBe(expected);
});

test.each([
  ["*", "registry.example", false],
  ["registry.example", "registry.example", false],
  ["example", "registry.example", false],
  [".example", "registry.example", false],
  ["*.example", "registry.example", false],
  ["try.example", "registry.example", true],
  ["other.example, REGISTRY.example", "registry.example", false],
  ["other.example registry.example", "registry.example", false],
  ["registry.example:5000", "registry.example:5000", false],
  ["registry.example:5000", "registry.example", true],
  ["registry.example:443", "registry.example", false],
  ["10.1.2.3", "10.1.2.3", false],
  ["10.0.0.0/8", "10.1.2.3", false],
  ["10.0.0.0/8", "11.1.2.3", true],
  ["10.0.0.0/0", "11.1.2.3", false],
  ["10.0.0.0/33", "10.0.0.0", true],
  ["10.0.0.0/8", "registry.example", true],
  ["::1", "[::1]:5000", false],
  ["", "registry.example", true],
])("with no_proxy %p, is %s reached through the proxy: %p", (no_proxy, host, through) => {
  const environment = { https_proxy: PROXY, no_proxy };
  expect(proxyFor(URL_OF(host), environment)).toBe(through ? PROXY : undefined);
});
