import { chmodSync, cpSync, mkdirSync, writeFileSync } from "node:fs";
import { binaryPath } from "../binary.ts";
import { freshDirectory } from "../fixtures/directory.ts";

export interface Finding {
  readonly id: string;
  readonly state: "ok" | "warn" | "fail";
  readonly seen: string;
  readonly meaning: string;
  readonly fix: string;
}

export interface Examined {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Of `--json`. */
  readonly findings: readonly Finding[];
  readonly finding: (id: string) => Finding;
}

/** A host to be examined: a home with profile files, a configuration, and the compiled program. */
export interface DoctorSite {
  readonly dir: string;
  readonly home: string;
  readonly program: string;
  /** Writes a configuration and gives its path. */
  readonly configure: (name: string, ...lines: string[]) => string;
  readonly profile: (text: string) => void;
  /** `doctor --json` with these words; `before`: a command that starts it. */
  readonly doctor: (
    words: readonly string[],
    options?: {
      readonly env?: Readonly<Record<string, string>>;
      readonly before?: readonly string[];
    },
  ) => Promise<Examined>;
  readonly remove: () => void;
}

export function makeDoctorSite(name: string): DoctorSite {
  const { path: dir, remove } = freshDirectory(name);
  const home = `${dir}/home`;
  mkdirSync(home);
  // Another user may not be able to enter the directory that holds the build.
  const program = `${dir}/jacamar`;
  cpSync(binaryPath(), program);
  chmodSync(program, 0o755);
  return {
    dir,
    home,
    program,
    configure(file, ...lines) {
      writeFileSync(`${dir}/${file}`, lines.join("\n"));
      return `${dir}/${file}`;
    },
    profile: (text) => writeFileSync(`${home}/.bash_profile`, text),
    async doctor(words, { env = {}, before = [] } = {}) {
      const child = Bun.spawn([...before, program, "doctor", "--json", ...words], {
        cwd: dir,
        env: { HOME: home, PATH: "/usr/bin:/bin", ...env },
        stdin: "ignore",
        stdout: "pipe",
        stderr: "pipe",
      });
      const [stdout, stderr, status] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
        child.exited,
      ]);
      const findings: Finding[] = stdout.startsWith("{") ? JSON.parse(stdout).findings : [];
      const finding = (id: string) => {
        const found = findings.find((one) => one.id === id);
        if (found === undefined) throw new Error(`no finding ${id}: ${stdout}${stderr}`);
        return found;
      };
      return { status, stdout, stderr, findings, finding };
    },
    remove,
  };
}
