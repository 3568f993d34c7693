// Constants that `scripts/build.ts` writes into the program; without a build they do not exist (`typeof` tells).

/** `version` of package.json. */
declare const JACAMAR_VERSION: string;
/** The commit's first 12 digits, with `%` after it when files differed from it; `unknown` outside git. */
declare const JACAMAR_COMMIT: string;
/** The commit's time in UTC, not the build's, so that the same source gives the same bytes; or `unknown`. */
declare const JACAMAR_BUILT: string;
