/** The account that a job runs under, as far as texts of an admin can refer to it. */
export interface Account {
  readonly home: string;
  /** Login name. */
  readonly name: string;
  readonly uid: number;
}

export interface ExpandOptions {
  /** Whether the text is a directory, in which `~` alone or a leading `~/` is the home. @default false */
  readonly tilde?: boolean;
}

/**
 * Replaces `$HOME`, `$USER`, `$UID` and their `${…}` forms in a configured text. Everything else stays as it is:
 * other variables, `$HOMEWORK`, quotes, and what the inserted values contain.
 */
export function expandAccount(text: string, account: Account, options: ExpandOptions = {}): string {
  const values = { HOME: account.home, USER: account.name, UID: String(account.uid) };
  const spelled = options.tilde === true ? text.replace(/^~(?=\/|$)/, "${HOME}") : text;
  return spelled.replace(
    /\$(?:\{(HOME|USER|UID)\}|(HOME|USER|UID)(?![A-Za-z0-9_]))/g,
    (_whole, braced?: keyof typeof values, bare?: keyof typeof values) =>
      values[braced ?? bare ?? "HOME"],
  );
}
