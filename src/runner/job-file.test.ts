import { expect, test } from "bun:test";
import { readJobFile } from "./job-file.ts";

const read = (text: string, job?: string) => readJobFile(text, "ci.yml", job);

test("a job with every keyword that is acted on", () => {
  const { job, ignored } = read(`
job:
  stage: build
  image: {name: debian:12, pull_policy: if-not-present, entrypoint: [""], docker: {user: x}}
  variables: {A: 1, B: {value: "$A", expand: false}, C: yes, D: , E: n}
  before_script: one line
  script: [a, [b, [c]]]
  after_script: [d]
  artifacts:
    {paths: [x/], exclude: [x/y], untracked: true, when: always, name: n, expire_in: 1 day}
`);
  expect(ignored).toEqual(["in image: entrypoint, docker"]);
  expect(job).toEqual({
    name: "job",
    stage: "build",
    image: { name: "debian:12", pullPolicy: ["if-not-present"] },
    variables: [
      { key: "A", value: "1" },
      { key: "B", value: "$A", raw: true },
      { key: "C", value: "true" },
      { key: "D", value: "" },
      { key: "E", value: "n" },
    ],
    beforeScript: ["one line"],
    script: ["a", "b", "c"],
    afterScript: ["d"],
    artifacts: {
      paths: ["x/"],
      exclude: ["x/y"],
      untracked: true,
      when: "always",
      name: "n",
      expireIn: "1 day",
    },
  });
});

test("extends merges maps and replaces lists; the nearest wins; references and anchors are followed", () => {
  const { job } = read(
    `
.one: &one
  variables: {A: one, B: one}
  script: [one]
.two:
  extends: .one
  variables: {B: two, C: two}
  before_script: [two]
.lines:
  setup: [s1, s2]
job:
  extends: [.two]
  variables: {C: job}
  script: [!reference [.lines, setup], last]
anchored:
  <<: *one
  script: !reference [job, script]
`,
    "job",
  );
  expect(job.variables).toEqual([
    { key: "A", value: "one" },
    { key: "B", value: "two" },
    { key: "C", value: "job" },
  ]);
  expect([job.beforeScript, job.script]).toEqual([["two"], ["s1", "s2", "last"]]);
});

test("defaults and global variables are inherited, as far as the job wants", () => {
  const text = (inherit: string) => `
image: old
default: {image: new, before_script: [b], retry: 2}
variables: {A: 1, B: 2}
job: {script: [x], ${inherit}}
`;
  const all = read(text(""));
  expect(all.job).toMatchObject({ image: { name: "new" }, beforeScript: ["b"] });
  expect(all.ignored).toEqual(["in default: retry"]);
  const none = read(text("inherit: {default: false, variables: [B]}"));
  expect(none.job).toEqual({ name: "job", script: ["x"], variables: [{ key: "B", value: "2" }] });
});

test.each([
  ["a: {script: [x]}\nb: {script: [x]}", "ci.yml has 2 jobs; wanted: --job NAME with one of a, b"],
  ["stages: [a]\n.h: {script: [x]}", "ci.yml:1: no job"],
  ["just text", "ci.yml:1: no jobs"],
  ["", "ci.yml:1: no jobs"],
  ["a: {script: [x]\nb: 1", "ci.yml:2:1: "],
  ["a:\n  script: *none", "ci.yml:1: "],
  ["a:\n  image: x", 'ci.yml:1: job "a" has no script'],
  [
    "a:\n  script:\n    - x\n    - echo a: b",
    'ci.yml:4: script: {"echo a":"b"}; wanted: a text; put quotes around',
  ],
  [
    "a:\n  image:\n    pull_policy: [sometimes]\n    name: x\n  script: x",
    'ci.yml:3: pull_policy: "sometimes"',
  ],
  ["a:\n  script: x\n  artifacts:\n    paths: out", 'ci.yml:4: artifacts:paths: "out"'],
  ["a:\n  extends: .none\n  script: x", 'ci.yml:2: extends ".none", which is not in this file'],
  ["a:\n  extends: a\n  script: x", "ci.yml:2: extends itself: a → a"],
  ["a:\n  script: !reference [b, script]", "ci.yml:2: !reference [b, script] is not in this file"],
  ["a:\n  script: !reference [a, script]", "ci.yml:2: !reference [a, script]: more than 10"],
])("%j is a mistake with its line", (text, message) => {
  expect(() => read(text)).toThrow(message);
});
