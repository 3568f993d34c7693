import { expect, test } from "bun:test";
import { type ChRunOptions, chRunArgv, containerEnvironment } from "./ch-run.ts";

const OPTIONS: ChRunOptions = {
  writeFake: true,
  storage: "/var/tmp/ann.ch",
  imageEnvironment: true,
  home: "/d/scripts/p_1/000/home",
  binds: [
    { source: "/d/builds/p_1/000", target: "/d/builds/p_1/000" },
    { source: "/d/cache/p_1", target: "/d/cache/p_1" },
  ],
  volumes: [{ source: "/data set", target: "/mnt/0" }],
  words: ["--unset-env=X*", "--set-env=A=b c"],
};

test("chRunArgv() is the command of the guide: image by name, then --, then the command", () => {
  expect(chRunArgv("/usr/bin/ch-run", OPTIONS, "img:1", ["/d/x.bash", "a b"])).toEqual([
    "/usr/bin/ch-run",
    "--write-fake",
    "--bind=/d/builds/p_1/000",
    "--bind=/d/cache/p_1",
    "--storage=/var/tmp/ann.ch",
    "--set-env",
    "--set-env=HOME=/d/scripts/p_1/000/home",
    "--bind=/data set:/mnt/0",
    "--unset-env=X*",
    "--set-env=A=b c",
    "img:1",
    "--",
    "/d/x.bash",
    "a b",
  ]);
});

test("chRunArgv() leaves out what is switched off", () => {
  const plain = { ...OPTIONS, writeFake: false, imageEnvironment: false, volumes: [], words: [] };
  const argv = chRunArgv("ch-run", plain, "img:1", []);
  expect(argv).not.toContain("--write-fake");
  expect(argv).not.toContain("--set-env");
  expect(argv.slice(-2)).toEqual(["img:1", "--"]);
});

test("containerEnvironment() passes proxies and the time zone on, and nothing else of the host", () => {
  const login = {
    TZ: "Europe/Bern",
    https_proxy: "http://proxy:3128",
    NO_PROXY: "localhost",
    PATH: "/home/ann/.pyenv/bin:/usr/bin",
    HOME: "/home/ann",
    LD_LIBRARY_PATH: "/opt/lib",
    PYTHONPATH: "/opt/py",
    REQUESTS_CA_BUNDLE: "/etc/ca.pem",
    TMPDIR: "/scratch",
    CH_IMAGE_PASSWORD: "hunter2",
    CH_IMAGE_STORAGE: "/x",
    JACAMAR_CI_SHELL: "true",
    MY_PROXY: "no",
    TZDIR: "no",
  };
  expect(containerEnvironment(login, { name: "ann", home: "/home/ann" })).toEqual({
    TZ: "Europe/Bern",
    https_proxy: "http://proxy:3128",
    NO_PROXY: "localhost",
    HOME: "/home/ann",
    USER: "ann",
    LOGNAME: "ann",
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  });
});

test("containerEnvironment() has a user and a PATH also where the login shell has none", () => {
  expect(containerEnvironment({}, { name: "ann", home: "/" })).toMatchObject({
    USER: "ann",
    HOME: "/",
  });
});
