import { chImageEnvironment } from "./applications.ts";

/** The account for one pull. */
export interface Account {
  readonly username: string;
  readonly password: string;
}

export interface PullEnvironmentInput {
  readonly chImage: string;
  /** Exported variables of the user's login shell. */
  readonly login: Readonly<Record<string, string>>;
  /** `[general] user_bash_env`. */
  readonly admin: Readonly<Record<string, string>>;
  readonly user: { readonly name: string; readonly home: string };
  readonly storage: string;
  readonly account: Account | undefined;
  /** A file of trusted CAs, when the login environment's is not enough. */
  readonly caBundle: string | undefined;
}

/** Where the account or the meaning of a bare image name could come from behind the back of the plan. */
const DECIDED_BY_PLAN = /^(CH_IMAGE_(AUTH|USERNAME|PASSWORD|STORAGE)|CH_REGY_.*)$/;

/**
 * The environment of `ch-image pull`: the login shell's, so that a site's proxies and modules work, with the account
 * that the plan chose and no other.
 */
export function pullEnvironment(input: PullEnvironmentInput): Record<string, string> {
  const { chImage, login, admin, user, storage, account, caBundle } = input;
  const base = Object.entries(chImageEnvironment(chImage, login));
  return {
    // A pull that is killed while it commits to the build cache leaves an image that looks whole and a cache that no
    // later pull can use; without the cache a repeated pull mends everything. A site or user may turn it on.
    CH_IMAGE_CACHE: "disabled",
    // ch-image before 0.32 commits to its build cache with git, which refuses without an identity.
    GIT_AUTHOR_NAME: user.name,
    GIT_AUTHOR_EMAIL: `${user.name}@localhost`,
    GIT_COMMITTER_NAME: user.name,
    GIT_COMMITTER_EMAIL: `${user.name}@localhost`,
    ...Object.fromEntries(base.filter(([name]) => !DECIDED_BY_PLAN.test(name))),
    ...registryDefaults(admin),
    HOME: user.home,
    USER: user.name,
    CH_IMAGE_STORAGE: storage,
    ...(caBundle === undefined ? {} : { REQUESTS_CA_BUNDLE: caBundle }),
    ...(account && {
      CH_IMAGE_AUTH: "yes",
      CH_IMAGE_USERNAME: account.username,
      CH_IMAGE_PASSWORD: account.password,
    }),
  };
}

/** A site may point bare names at its mirror; its users may not. */
function registryDefaults(admin: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(admin).filter(([name]) => name.startsWith("CH_REGY_")));
}
