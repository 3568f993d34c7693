import type { Settings } from "../settings/settings.ts";
import { type Account, expandAccount } from "./expand.ts";

/** Where an attempt is reported; nothing by default. */
export interface Reports {
  readonly textfile: string | undefined;
  readonly file: string | undefined;
  readonly syslog: boolean;
}

/** The configured paths with the values of account and host in them. */
export function planReports(
  // A job that an older version began has neither table.
  settings: Partial<Pick<Settings, "metrics" | "log">>,
  account: Account,
  hostname: string,
): Reports {
  const expand = (text: string | undefined) => {
    const spelled = text?.replace(/\$(?:\{HOSTNAME\}|HOSTNAME(?![A-Za-z0-9_]))/g, () => hostname);
    return spelled === undefined ? undefined : expandAccount(spelled, account, { tilde: true });
  };
  return {
    textfile: expand(settings.metrics?.textfile),
    file: expand(settings.log?.file),
    syslog: settings.log?.syslog ?? false,
  };
}
