/**
 * What `harden.ts` makes dead in Bun's executable, and why. Measured with Bun 1.4.5: every name below was set in
 * turn for a compiled program, and its output, exit status, files, sockets and system calls were compared.
 */

export type Architecture = "x64" | "arm64";

export interface DeadName {
  readonly name: string;
  readonly reason: string;
  /** The only architecture whose executable has the name; absent: both. */
  readonly only?: Architecture;
}

/** A change of bytes that is not the first letter of a C string. */
export interface Edit {
  readonly what: string;
  readonly reason: string;
  readonly only?: Architecture;
  /** Bytes as Latin-1 text; both of the same length. */
  readonly find: string;
  readonly replace: string;
  /** How often `find` occurs; 1 where absent. */
  readonly count?: number;
}

/** C strings that Bun hands to `getenv`. Each occurs exactly once between two NUL bytes. */
export const DEAD_NAMES: readonly DeadName[] = [
  { name: "BUN_BE_BUN", reason: "turns the program into the bun command line: runs any code" },
  { name: "BUN_OPTIONS", reason: "takes --preload and other options: runs any code, writes files" },
  { name: "BUN_INSPECT", reason: "listens for a debugger on a port or socket: runs any code" },
  { name: "BUN_INSPECT_CONNECT_TO", reason: "connects to a debugger: runs any code" },
  { name: "BUN_INSPECT_PRELOAD", reason: "a module to load before the program" },
  { name: "BUN_BYTECODE_DIGEST_OUT", reason: "overwrites the file it names" },
  { name: "BUN_BYTECODE_ORDER_OUT", reason: "overwrites the file it names" },
  { name: "BUN_BYTECODE_ORDER_NAMES_OUT", reason: "names a file to write, as the two above" },
  { name: "BUN_RUNTIME_TRANSPILER_CACHE_PATH", reason: "names a directory to write code to" },
  { name: "BUN_ENABLE_CRASH_REPORTING", reason: "a crash would start curl from PATH" },
  { name: "BUN_CRASH_REPORT_URL", reason: "where a crash would be sent" },
  {
    name: "BUN_CONFIG_VERBOSE_FETCH",
    reason: "prints requests with their headers, secrets included",
  },
  { name: "BUN_FEATURE_FLAG_NO_ORPHANS", reason: "kills children when the parent ends" },
  { name: "BUN_DISABLE_SOURCE_CODE_PREVIEW", reason: "changes what an error prints" },
  { name: "BUN_DISABLE_TRANSPILED_SOURCE_CODE_PREVIEW", reason: "changes what an error prints" },
  { name: "BUN_DESTRUCT_VM_ON_EXIT", reason: "changes how the program ends" },
  { name: "BUN_GARBAGE_COLLECTOR_LEVEL", reason: "changes memory use and speed" },
  { name: "BUN_IDLE_GC_SECONDS", reason: "changes memory use and speed" },
  { name: "BUN_GC_TIMER_DISABLE", reason: "changes memory use and speed" },
  { name: "BUN_GC_TIMER_INTERVAL", reason: "changes memory use and speed" },
  { name: "BUN_TRACE", reason: "a trace file" },
  { name: "BUN_WATCHER_TRACE", reason: "a trace file" },
  { name: "NODE_TLS_REJECT_UNAUTHORIZED", reason: "switches certificate checks off in fetch" },
  { name: "NODE_CHANNEL_FD", reason: "talks to a parent over any open file, stdout included" },
  { name: "NODE_CHANNEL_SERIALIZATION_MODE", reason: "goes with NODE_CHANNEL_FD" },
  { name: "NODE_COMPILE_CACHE", reason: "names a directory to write code to" },
  { name: "NODE_REDIRECT_WARNINGS", reason: "names a file to write" },
  { name: "JSC_SIGNAL_FOR_GC", reason: "a bad number aborts at start" },
  { name: "JavaScriptCoreUseJIT", reason: "makes the program slow" },
  { name: "WTF_numberOfProcessorCores", reason: "prints a warning when it is no number" },
  { name: "MallocLogFile", reason: "names a file to write" },
  { name: "SIMDUTF_FORCE_IMPLEMENTATION", reason: "a bad value aborts at start", only: "x64" },
  { name: "OPENSSL_ia32cap", reason: "chooses the code that ciphers run", only: "x64" },
];

/**
 * Every other C string that begins with `BUN_`: feature flags, debug switches, the package manager's settings. None
 * had an effect on a compiled program; dead all the same, so that none is found to have one later.
 */
export const SWEEP = {
  prefix: "BUN_",
  /** Longer ones are runs of names without a NUL between them: text for messages. */
  longest: 60,
  /** The name of a symbol in native plugins. */
  except: ["BUN_PLUGIN_NAME"],
  /** How many there are besides `DEAD_NAMES`: another number means another Bun, to be looked at. */
  count: { x64: 73, arm64: 74 },
} as const;

/** The eight comparisons of a name with `BUN_JSC_`, letter by letter; see `EDITS`. */
const COMPARE_X64 =
  "\x41\x80\x3e\x42\x75\xe5\x41\x80\x7e\x01\x55\x75\xde\x41\x80\x7e\x02\x4e\x75\xd7";
const COMPARE_ARM64 =
  "\x5f\x09\x01\x71\x01\xff\xff\x54\x2a\x05\x40\x39\x5f\x55\x01\x71\xa1\xfe\xff\x54\x2a\x09\x40\x39\x5f\x39\x01\x71";

const JSC_REASON =
  "options of the JavaScript engine: one reads replacements of functions from a file, others write files or stdout";

/** The allocator puts this before the name of each option; the change leaves a name that no shell can set. */
const MALLOC_REASON = "options of the allocator: print to stderr, or end the program";

export const EDITS: readonly Edit[] = [
  {
    // The prefix is in the code and nowhere else. Looking at the second letter twice, for U and for N, never matches.
    what: "BUN_JSC_*",
    reason: JSC_REASON,
    only: "x64",
    find: COMPARE_X64,
    replace: COMPARE_X64.replace("\x7e\x02", "\x7e\x01"),
  },
  {
    what: "BUN_JSC_*",
    reason: JSC_REASON,
    only: "arm64",
    find: COMPARE_ARM64,
    replace: COMPARE_ARM64.replace("\x2a\x09", "\x2a\x05"),
  },
  {
    what: "BUN_CONFIG_MAX_HTTP_REQUESTS",
    reason: "prints an error when it is no number",
    find: "http:BUN_CONFIG_MAX_HTTP_REQUESTSBUN_",
    replace: "http:\0UN_CONFIG_MAX_HTTP_REQUESTSBUN_",
  },
  {
    what: "NODE_TLS_REJECT_UNAUTHORIZED",
    reason: "fetch looks the name up without getenv",
    find: "LAUNCHERNODE_TLS_REJECT_UNAUTHORIZEDBUN_",
    replace: "LAUNCHER\0ODE_TLS_REJECT_UNAUTHORIZEDBUN_",
  },
  {
    // JavaScript, compared with "0" in all three places.
    what: "NODE_TLS_REJECT_UNAUTHORIZED",
    reason: "node:tls and node:https read process.env",
    find: "process.env.NODE_TLS_REJECT_UNAUTHORIZED",
    replace: '"1"'.padEnd("process.env.NODE_TLS_REJECT_UNAUTHORIZED".length),
    count: 3,
  },
  {
    what: "BUN_CONFIG_VERBOSE_FETCH",
    reason: "fetch looks the name up without getenv",
    find: "enqueuedBUN_CONFIG_VERBOSE_FETCH[",
    replace: "enqueued\0UN_CONFIG_VERBOSE_FETCH[",
  },
  {
    what: "MIMALLOC_*",
    reason: MALLOC_REASON,
    only: "x64",
    find: "\x49\xbdmimalloc\x4c\x89\x6d\x90",
    replace: "\x49\xbd\x01imalloc\x4c\x89\x6d\x90",
  },
  {
    what: "MIMALLOC_*",
    reason: MALLOC_REASON,
    only: "arm64",
    find: "\x06\0\x05\0mimalloc\x10\x11",
    replace: "\x06\0\x05\0\x01imalloc\x10\x11",
  },
];
