import type { Dashboard, GraphFieldConfig, Panel } from "@grafana/schema";

/** As JSON has it: the words of an enumeration in place of its members. */
type Plain<T> = T extends string ? `${T}` : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;

type PlainPanel = Plain<Panel<Record<string, never>, GraphFieldConfig>>;

/** Grafana's own description of a dashboard; `picture.ts` compares the one in docs/ with it. */
export type DashboardSchema = Omit<Plain<Dashboard>, "panels"> & { panels: PlainPanel[] };
