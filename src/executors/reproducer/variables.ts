/** How a script that is run again gets one of the job's variables. */
export type GivenVariable =
  /** Typed in by who runs it. */
  | { readonly kind: "asked"; readonly name: string }
  /** A copy of a file that who runs it names. */
  | { readonly kind: "file"; readonly name: string }
  /** Text, with the values of asked variables in it. */
  | { readonly kind: "text"; readonly name: string; readonly parts: readonly Part[] };

export type Part = { readonly text: string } | { readonly asked: string };

export interface VariablesInput {
  /** As the job's scripts see them. */
  readonly variables: Readonly<Record<string, string>>;
  readonly files: readonly string[];
  readonly secrets: readonly string[];
  /** Replaces every secret in a text. */
  readonly redact: (text: string) => string;
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** What GitLab makes secrets of its own from comes first, so that it is asked for by its best known name. */
const FIRST = "CI_JOB_TOKEN";
/** A shorter value stands in others by chance. */
const SHORTEST_PART = 4;

/** Sorts a job's variables so that nothing secret is written down, and each secret is asked for once. Asked ones first. */
export function giveVariables(input: VariablesInput): readonly GivenVariable[] {
  const { variables, redact } = input;
  const files = new Set(input.files);
  const secrets = new Set(input.secrets);
  const all = Object.entries(variables)
    .filter(([name]) => NAME.test(name))
    .sort(([a], [b]) => Number(b === FIRST) - Number(a === FIRST));
  const asked = new Map<string, string>();
  for (const [name, value] of all) {
    if (secrets.has(name) && !files.has(name) && value !== "" && !asked.has(value))
      asked.set(value, name);
  }
  const byLength = [...asked].sort(([a], [b]) => b.length - a.length);
  const given = all.map(([name, value]): GivenVariable => {
    if (files.has(name)) return { kind: "file", name };
    if (asked.get(value) === name) return { kind: "asked", name };
    const parts = partsOf(value, byLength);
    const isClean = parts.every((part) => "asked" in part || redact(part.text) === part.text);
    return isClean ? { kind: "text", name, parts } : { kind: "asked", name };
  });
  const rank = ({ kind }: GivenVariable) => (kind === "text" ? 1 : 0);
  return given.sort((a, b) => rank(a) - rank(b));
}

function partsOf(value: string, secrets: readonly (readonly [string, string])[]): readonly Part[] {
  const whole = secrets.find(([secret]) => secret === value);
  if (whole) return [{ asked: whole[1] }];
  const found = secrets.find(
    ([secret]) => secret.length >= SHORTEST_PART && value.includes(secret),
  );
  if (found === undefined) return [{ text: value }];
  const [secret, name] = found;
  const at = value.indexOf(secret);
  return [
    ...partsOf(value.slice(0, at), secrets),
    { asked: name },
    ...partsOf(value.slice(at + secret.length), secrets),
  ];
}
