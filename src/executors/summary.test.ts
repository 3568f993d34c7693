import { expect, test } from "bun:test";
import { together } from "./image-figures.ts";
import { batchSummary, summaryStart } from "./summary.ts";

const NOW = 1_700_000_000_900;
const exited = { kind: "exited", status: 0 } as const;

test("leaves out what is unknown", () => {
  const start = summaryStart({ sections: false });
  expect(batchSummary(start, { job: "PBS job 7.pbs", outcome: exited }, NOW)).toEqual([
    "Job summary: exit status 0",
    "  Image:        none, the script runs on the host",
    "  Scheduler:    PBS job 7.pbs",
    "  End:          exit status 0",
  ]);
});

test("of a batch job tells where it ran, how long it waited, and why it ended", () => {
  const image = {
    reference: "registry.example/tools:1",
    digest: "sha256:12",
    hit: false,
    bytes: 12_345_678,
    seconds: 5.04,
    pullSeconds: 3,
    flattenSeconds: 1.96,
  };
  const start = summaryStart({ sections: true, image, reproducer: "/data/job-4.bash" });
  const message = "Slurm job 12 reached its time limit";
  const end = {
    job: "Slurm job 12",
    node: "n1",
    queueSeconds: 61.26,
    runSeconds: 0.04,
    outcome: { kind: "refused", refusal: { fault: "user", message, from: "scheduler" } },
  } as const;
  expect(batchSummary(start, end, NOW)).toEqual([
    `section_start:1700000000:jacamar_summary[collapsed=true]\r\x1b[0KJob summary: ${message} after 0.0 s`,
    "  Image:        registry.example/tools:1",
    "  Digest:       sha256:12",
    "  Size:         12.3 MB",
    "  Cache:        miss, ready in 5.0 s (pull 3.0 s, flatten 2.0 s)",
    "  Run again by: /data/job-4.bash",
    "  Scheduler:    Slurm job 12",
    "  Node:         n1",
    "  Queue:        61.3 s",
    "  Run:          0.0 s",
    `  End:          ${message}`,
    "section_end:1700000000:jacamar_summary\r\x1b[0K",
  ]);
});

test("of two entries of an image both count, the one that the script runs in by its size", () => {
  const onHost = { reference: "a", hit: false, bytes: 1, seconds: 2, pullSeconds: 1 };
  const inBatch = { reference: "a", hit: true, bytes: 3, seconds: 0.5 };
  expect(together(onHost, inBatch)).toEqual({
    reference: "a",
    hit: false,
    bytes: 3,
    seconds: 2.5,
    pullSeconds: 1,
  });
  expect(together(inBatch, inBatch)).toEqual({ ...inBatch, seconds: 1 });
});
