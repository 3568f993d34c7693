import { start } from "./commands/start.ts";

process.exit(await start(process.argv.slice(2), process.env));
