// Which lamps stand near a place. The hub decides; this is what the reader is told beforehand.
import type { Lamp } from "./wire";

const DEGREE_M = 111_320;

export function within(lamps: Lamp[], { lon, lat }: Lamp, radius_m: number): Lamp[] {
  const eastward = DEGREE_M * Math.cos((lat * Math.PI) / 180);
  return lamps.filter(
    (lamp) => Math.hypot((lamp.lon - lon) * eastward, (lamp.lat - lat) * DEGREE_M) <= radius_m,
  );
}
