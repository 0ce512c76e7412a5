// A lamp as one sign, the same in the list and on the map: its shape and letter say all that its
// colour says.
import { rankOf } from "./faults";
import type { Lamp } from "./wire";

export type Shape = "fault" | "assigned" | "unknown" | "on" | "off" | "undriven";

const BY_HAND = ["staff", "technician", "safety"];

/** What it gives, else what it says it follows. Never what it was only told to. */
export const levelOf = (lamp: Lamp): number | null => lamp.actual_level ?? lamp.feedback_level;

export const isByHand = (lamp: Lamp): boolean => BY_HAND.includes(lamp.authority ?? "");

/** Whether a gateway has it on a bus; the others are only drawn. */
export const isDriven = ({ gateway }: Lamp): boolean => gateway !== "";

export function shapeOf(lamp: Lamp): Shape {
  if (lamp.faults.length > 0) return lamp.work === "assigned" ? "assigned" : "fault";
  return isDriven(lamp) ? lamp.state : "undriven";
}

export function letterOf(lamp: Lamp): string {
  const shape = shapeOf(lamp);
  if (shape === "fault" || shape === "assigned") return "!";
  if (shape === "unknown") return "?";
  const level = levelOf(lamp);
  return shape === "on" && level !== null ? String(Math.round(level)) : "";
}

/** `sign is-on tint-6`: the style sheet draws it. */
export function signClass(lamp: Lamp): string {
  const shape = shapeOf(lamp);
  const tint = shape === "on" ? ` tint-${Math.round((levelOf(lamp) ?? 100) / 25)}` : "";
  return `sign is-${shape}${tint}`;
}

/** Faults first, the worst of them first; then lamps that do not answer, then those held by hand. */
export function byUrgency(a: Lamp, b: Lamp): number {
  return urgency(a) - urgency(b) || a.lamp.localeCompare(b.lamp, "en", { numeric: true });
}

function urgency(lamp: Lamp): number {
  if (lamp.faults.length > 0) {
    const worst = Math.min(...lamp.faults.map(rankOf));
    return lamp.work === "assigned" ? worst + 100 : worst;
  }
  if (!isDriven(lamp)) return 300;
  if (lamp.state === "unknown") return 200;
  return isByHand(lamp) ? 201 : 202;
}

export type Sieve = "all" | "faulty" | "on" | "off" | "unknown" | "byHand";
export const SIEVES: Sieve[] = ["all", "faulty", "on", "off", "unknown", "byHand"];

const FITS: Record<Sieve, (lamp: Lamp) => boolean> = {
  all: () => true,
  faulty: ({ faults }) => faults.length > 0,
  on: ({ state }) => state === "on",
  off: ({ state }) => state === "off",
  unknown: (lamp) => lamp.state === "unknown" && isDriven(lamp),
  byHand: isByHand,
};

export const sieved = (lamps: Lamp[], sieve: Sieve): Lamp[] => lamps.filter(FITS[sieve]);

/** Lamps of `group` ("" for every) whose number, pole, group or bus has every word of `words`. */
export function found(lamps: Lamp[], words: string, group: string): Lamp[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  return lamps.filter((lamp) => {
    if (group && !lamp.groups.includes(group)) return false;
    const text = [lamp.lamp, lamp.pole, lamp.bus, lamp.lamp_type, ...lamp.groups].join(" ").toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
}
