import { writeLine } from "../host/redact.ts";
import { configurationSchema } from "../settings/json-schema.ts";

/** Prints the JSON Schema of the configuration file. */
export function printSchema(): number {
  writeLine(1, JSON.stringify(configurationSchema(), null, 2));
  return 0;
}
