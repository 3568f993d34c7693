import { start } from "./commands/cli.ts";

process.exit(await start(process.argv.slice(2), process.env));
