import { expect, test } from "bun:test";
import { planReports } from "./report-files.ts";

const account = { home: "/home/ci", name: "ci", uid: 7 };

test("paths get the values of account and host, and nothing else", () => {
  const settings = {
    metrics: { textfile: "/var/$HOSTNAME/${HOSTNAME}-$USER-$HOSTNAMES.prom" },
    log: { file: "~/jobs-$UID.jsonl", syslog: true },
  };
  expect(planReports(settings, account, "n$&1")).toEqual({
    textfile: "/var/n$&1/n$&1-ci-$HOSTNAMES.prom",
    file: "/home/ci/jobs-7.jsonl",
    syslog: true,
  });
});

test("nothing is reported by default, or by a job that an older version began", () => {
  const nothing = { textfile: undefined, file: undefined, syslog: false };
  expect(planReports({ metrics: {}, log: { syslog: false } }, account, "n1")).toEqual(nothing);
  expect(planReports({}, account, "n1")).toEqual(nothing);
});
