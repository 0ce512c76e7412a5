// Where a carrier is, in words.
import { say } from "./language.svelte";
import { zoneName } from "./plan";
import type { Plan, PositionFeature } from "./wire";

const SURE = 0.8;
const PROBABLE = 0.5;

/** "School", "Probably School", or "In the town" where no zone is likelier than not. */
export function placeOf(plan: Plan | null, { properties }: PositionFeature): string {
  const [likely] = properties.zones;
  if (!likely || likely.probability < PROBABLE) return say("onTheWay");
  const zone = zoneName(plan, likely.id);
  return likely.probability < SURE ? say("maybeInZone", { zone }) : zone;
}
