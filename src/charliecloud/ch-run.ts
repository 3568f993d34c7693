/** All that a `ch-run` command line is made of, without the program and the image's name. */
export interface ChRunOptions {
  readonly writeFake: boolean;
  /** The image storage that the image's name is looked up in; absent for an image that is a file. */
  readonly storage?: string;
  /** The image's own ENV applies. */
  readonly imageEnvironment: boolean;
  /** HOME inside, a directory below one of `binds`. */
  readonly home: string;
  readonly binds: readonly { readonly source: string; readonly target: string }[];
  readonly volumes: readonly { readonly source: string; readonly target: string }[];
  /** Words of the administrator's options, then of the user's: later ones win. */
  readonly words: readonly string[];
}

/** The command that runs `command` in `image` (a name in the storage). */
export function chRunArgv(
  chRun: string,
  options: ChRunOptions,
  image: string,
  command: readonly string[],
): string[] {
  return [
    chRun,
    ...(options.writeFake ? ["--write-fake"] : []),
    ...options.binds.map(bindOption),
    ...(options.storage === undefined ? [] : [`--storage=${options.storage}`]),
    ...(options.imageEnvironment ? ["--set-env"] : []),
    `--set-env=HOME=${options.home}`,
    ...options.volumes.map(bindOption),
    ...options.words,
    image,
    "--",
    ...command,
  ];
}

function bindOption(bind: { readonly source: string; readonly target: string }): string {
  return bind.source === bind.target
    ? `--bind=${bind.source}`
    : `--bind=${bind.source}:${bind.target}`;
}

/**
 * The environment that ch-run starts with, which is also what the container begins with: nothing of the runner's and
 * nothing that belongs to the host (paths of modules, libraries, CA bundles mean nothing inside); proxies and the time
 * zone of the login shell.
 */
export function containerEnvironment(
  login: Readonly<Record<string, string>>,
  user: { readonly name: string; readonly home: string },
): Record<string, string> {
  const passed = Object.entries(login).filter(([name]) => PASSED.test(name));
  return {
    ...Object.fromEntries(passed),
    HOME: user.home,
    USER: user.name,
    LOGNAME: user.name,
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  };
}

const PASSED = /^(TZ|(https?|ftp|all|no)_proxy|(HTTPS?|FTP|ALL|NO)_PROXY)$/;
