import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { currentUser, userNamed } from "./user.ts";

const UID = process.getuid?.() ?? 0;
const [name = String(UID), , , , , home = "/"] =
  readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"))
    .find((fields) => fields[2] === String(UID)) ?? [];

test("the name comes from the user database, whatever the environment says", () => {
  const env = { USER: "mallory", LOGNAME: "mallory", HOME: "/somewhere" };
  const gid = process.getgid?.() ?? 0;
  expect(currentUser(env)).toEqual({ uid: UID, gid, name, home: "/somewhere" });
});

test("the home directory is the database's when HOME is missing or not absolute", () => {
  for (const env of [{}, { HOME: "" }, { HOME: "relative/home" }])
    expect(currentUser(env).home).toBe(home);
});

test("a user whom no database knows goes by the number", async () => {
  const isRoot = UID === 0;
  // Only root can become such a user; another one's number may be asked for all the same.
  const program = `
    const { currentUser } = await import("${import.meta.dir}/user.ts");
    ${isRoot ? "process.setgid(64322); process.setuid(64322);" : "process.getuid = () => 64322;"}
    console.log(JSON.stringify([currentUser({}), currentUser({ HOME: "/data/home" }).home]));`;
  const child = Bun.spawn([process.execPath, "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [user, given] = JSON.parse(await new Response(child.stdout).text());
  expect(user).toMatchObject({ uid: 64_322, name: "64322", home: "/" });
  expect(given).toBe("/data/home");
});

test("another user is looked up by name", () => {
  expect(userNamed("root")).toEqual({ name: "root", uid: 0, gid: 0, home: "/root" });
  expect(userNamed("nobody-of-that-name")).toBeUndefined();
});
