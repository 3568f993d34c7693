/** Path of the program that a stage starts with. The stage's name comes from the job: a step may be called anything. */
export function entryPath(scripts: string, stage: string): string {
  return `${scripts}/${fileName(stage)}.bash`;
}

/** The script that gitlab-runner generated, as the container sees it. */
export function scriptPath(scripts: string, stage: string): string {
  return `${scripts}/${fileName(stage)}.script`;
}

/** Where the stage's exit status is recorded. */
export function recordPath(scripts: string, stage: string): string {
  return `${scripts}/${fileName(stage)}.status`;
}

function fileName(stage: string): string {
  return stage.replaceAll(/[^A-Za-z0-9_.-]/g, "_");
}
