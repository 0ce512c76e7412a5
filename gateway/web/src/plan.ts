// The town plan's words: what a zone or an area is called.
import { speech } from "./language.svelte";
import type { Plan, PlanProperties } from "./wire";

/** The name in the reader's language, the other language where there is only that, else "". */
export function nameOf(properties: PlanProperties): string {
  const names = properties.names ?? {};
  const wanted = speech.language === "en" ? names.en : names.ja;
  return wanted ?? names.ja ?? names.en ?? "";
}

/** The name of a zone; its id where the plan does not know it. */
export function zoneName(plan: Plan | null, zone: string): string {
  const found = plan?.features.find(({ properties }) => properties.id === zone);
  return (found && nameOf(found.properties)) || zone;
}
