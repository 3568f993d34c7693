import { expect, test } from "bun:test";
import { type MechanismInput, type MechanismPlan, planMechanism } from "./container.ts";

type General = Partial<MechanismInput["settings"]["general"]>;
type Charliecloud = Partial<MechanismInput["settings"]["charliecloud"]>;

function input(general: General, charliecloud: Charliecloud, image?: string): MechanismInput {
  return {
    settings: {
      general: { force_mechanism: false, ...general },
      charliecloud: { step_script_only: false, ...charliecloud },
    },
    job: image === undefined ? {} : { image: { name: image, pullPolicy: [] } },
  };
}

function plan(general: General, charliecloud: Charliecloud, image?: string): MechanismPlan {
  const verdict = planMechanism(input(general, charliecloud, image));
  if (!verdict.ok) {
    throw new Error(verdict.refusal.message);
  }
  return verdict.value;
}

function places({ step, after, helper }: MechanismPlan): readonly string[] {
  return [step.choice, after.choice, helper.choice];
}

const ON = { run_mechanism: "charliecloud" } as const;
const FORCED = { ...ON, force_mechanism: true } as const;

test("planMechanism() runs the user's scripts in the job's image and the rest on the host", () => {
  const found = plan(ON, {}, "debian:12");

  expect(places(found)).toEqual(["image", "image", "host"]);
  expect(found.image).toEqual({ choice: "debian:12", because: "the job names it", from: "image:" });
  expect(found.notes).toEqual([]);
});

test("planMechanism() runs a job without an image on the host", () => {
  const found = plan(ON, { default_image: "site", runner_image: "helper" });

  expect(places(found)).toEqual(["host", "host", "host"]);
  expect(found.image).toBeUndefined();
  expect(found.step).toEqual({
    choice: "host",
    because: "the job names no image",
    from: "image:",
  });
});

test("planMechanism() runs helper stages in runner_image when the job has a container", () => {
  expect(places(plan(ON, { runner_image: "helper" }, "debian"))).toEqual([
    "image",
    "image",
    "runner_image",
  ]);
  expect(places(plan(FORCED, { runner_image: "helper", default_image: "site" }))).toEqual([
    "image",
    "image",
    "runner_image",
  ]);
});

test("planMechanism() takes after_script out of the container with step_script_only", () => {
  const found = plan(ON, { step_script_only: true, runner_image: "helper" }, "debian");

  expect(places(found)).toEqual(["image", "host", "runner_image"]);
  expect(found.after.from).toBe("[general.charliecloud] step_script_only");
});

test("planMechanism() uses default_image only when forced and only without a job's image", () => {
  expect(plan(FORCED, { default_image: "site" }).image).toMatchObject({
    choice: "site",
    from: "[general.charliecloud] default_image",
  });
  expect(plan(FORCED, { default_image: "site" }, "debian").image?.choice).toBe("debian");
});

test("planMechanism() tells the user to set an image where containers are a must", () => {
  const verdict = planMechanism(input(FORCED, {}));

  expect(verdict).toMatchObject({ ok: false, refusal: { fault: "user", from: "image:" } });
  const message = verdict.ok ? "" : verdict.refusal.message;
  expect(message).toContain("image: registry.example/group/image:tag");
  expect(message).toContain("[general.charliecloud] default_image");
});

test("planMechanism() says which key would have used an ignored image", () => {
  const found = plan({}, { runner_image: "helper" }, "debian:12");

  expect(places(found)).toEqual(["host", "host", "host"]);
  expect(found.image).toBeUndefined();
  expect(found.notes).toEqual([
    expect.stringMatching(/"debian:12" is ignored.*\[general\] run_mechanism = "charliecloud"/),
  ]);
});

test("planMechanism() notes a force_mechanism without a mechanism", () => {
  expect(plan({ force_mechanism: true }, {}).notes).toEqual([
    expect.stringContaining("[general] force_mechanism"),
  ]);
  expect(plan({ force_mechanism: true }, {}, "debian").notes).toHaveLength(2);
});

test("planMechanism() refuses podman as the admin's fault, with or without an image", () => {
  for (const image of [undefined, "debian"]) {
    expect(planMechanism(input({ run_mechanism: "podman" }, {}, image))).toMatchObject({
      ok: false,
      refusal: {
        fault: "admin",
        from: "[general] run_mechanism",
        message: expect.stringMatching(/"podman".*"charliecloud"/),
      },
    });
  }
});
