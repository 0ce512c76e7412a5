// The hub's API of lamps as the page uses it. Times are Unix seconds, levels percent.

export type LampState = "on" | "off" | "unknown";
export type Authority = "safety" | "technician" | "staff" | "dynamic" | "program" | "fallback";
export type Work = "open" | "assigned" | "done";

export interface Lamp {
  lamp: string;
  lon: number;
  lat: number;
  pole: string;
  gateway: string;
  bus: string;
  unit: number;
  profile: string;
  lamp_type: string;
  groups: string[];
  calendar: string;
  state: LampState;
  /** Of the last reading. */
  at: number | null;
  target_level: number | null;
  feedback_level: number | null;
  actual_level: number | null;
  active_power_w: number | null;
  authority: Authority | null;
  reason: string;
  faults: string[];
  work: Work | "";
}

export interface Lamps {
  at: number;
  sunset: number | null;
  sunrise: number | null;
  groups: string[];
  lamps: Lamp[];
}

export interface Outcome {
  lamp: string;
  state: "waiting" | "done" | "failed";
  why: string;
  at: number | null;
}

export interface Override {
  id: string;
  lamps: string[];
  /** null: back to the program. */
  level: number | null;
  authority: Authority;
  scene: string;
  blink: boolean;
  reason: string;
  by: string;
  made_at: number;
  start: number;
  expiration: number;
  ended_at: number | null;
  outcomes: Outcome[];
}

export interface LampEvent {
  id: string | number;
  lamp: string;
  kind: string;
  start: number;
  end: number | null;
  evidence: Record<string, number>;
  work: { state: Work; assignee: string; note: string; at: number | null };
}

export interface LampDetail extends Lamp {
  values: Record<string, number | boolean | null>;
  masked: Record<string, string>;
  meter_class: number | null;
  overrides: Override[];
  events: LampEvent[];
  availability: { days: number; up: number; faults: number; mttr_h: number | null };
  limits: Record<string, number>;
  own_limits: Record<string, number>;
}

/** at, target_level, actual_level, active_power_w */
export type HistoryPoint = [number, number | null, number | null, number | null];

export interface PlanStep {
  at: number;
  until: number;
  level: number;
  authority: Authority;
  reason: string;
  /** true, or in words what it depends on. */
  by_sensor: boolean | string;
}

export interface NightPlan {
  lamp: string;
  night: string;
  sunset: number | null;
  sunrise: number | null;
  calendar: string;
  rule: string;
  program: string;
  steps: PlanStep[];
  now: { at: number; level: number; authority: Authority; reason: string } | null;
}

export interface NewOverride {
  lamps?: string[];
  groups?: string[];
  all?: boolean;
  level: number | null;
  minutes?: number;
  expiration?: number;
  reason: string;
  blink?: boolean;
}

export interface NewScene {
  scene: "evacuation" | "search";
  groups?: string[];
  all?: boolean;
  lon?: number;
  lat?: number;
  radius_m?: number;
  minutes: number;
}

export interface EnergyRow {
  key: string;
  period: string;
  metered_kwh: number;
  estimated_kwh: number;
  baseline_kwh: number;
  saved_kwh: number;
  /** Of what was taken, and of what was saved. */
  co2_kg: number;
  saved_co2_kg: number;
  on_hours: number;
}

export interface Energy {
  co2_kg_per_kwh: number;
  rows: EnergyRow[];
}

/** Of a fault, what the morning's report says. */
export type NightFault = Pick<LampEvent, "lamp" | "kind" | "start" | "end" | "evidence">;

export interface MorningReport {
  night: string;
  since: number;
  until: number;
  /** How many something drives, and how many of them were heard and had no fault. */
  lamps: number;
  sound: number;
  /** All that were open at any time in the night, the most urgent first. */
  faults: NightFault[];
  /** Lamps that said nothing all night. */
  unheard: string[];
}
