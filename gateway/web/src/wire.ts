// The hub's API as the page uses it. Times are Unix seconds, UTC, of the hub's clock.
import type { Feature, FeatureCollection, Geometry, LineString, Point } from "geojson";
import type { Language } from "./texts";

export interface Me {
  login: string;
  audience: string;
  language: Language;
}

export type Presence = "tracked" | "uncertain" | "out_of_coverage" | "silent";

export interface PositionProperties {
  at: number;
  radius68_m: number;
  radius95_m: number;
  n_heard: number;
  presence: Presence;
  zones: { id: string; probability: number }[];
  /** The path that most likely holds the tag, where one can be named. */
  path?: string | null;
  path_probability?: number;
  /** When a receiver last heard the tag; where absent, `at` of the last position with n_heard > 0. */
  heard_at?: number | null;
  /** Why somebody may be copying the tag; empty where nothing says so. */
  doubts?: string[];
}

export type PositionFeature = Feature<Point, PositionProperties>;

export interface Carrier {
  id: string;
  name: string;
  kind: string;
  position: PositionFeature | null;
  /** What the tag last said of itself: battery_percent, battery_v and the like. */
  states?: Record<string, { value: number; at: number }>;
}

export interface StretchProperties {
  kind: "stretch";
  since: number;
  until: number;
  times: number[];
  qualities: ("live" | "confirmed" | "route")[];
}

export interface GapProperties {
  kind: "gap";
  since: number;
  until: number;
  reason: string;
}

export interface StopProperties {
  kind: "stop";
  arrived_at: number;
  left_at: number;
  seconds: number;
  zone: string | null;
}

export interface DoubtProperties {
  kind: "doubt";
  since: number;
  until: number;
  doubt: string;
}

/** The unbroken stretches, the gaps between them, the stops, and the doubts, each by time. */
export interface Route {
  type: "FeatureCollection";
  features: (
    | Feature<LineString, StretchProperties>
    | Feature<null, GapProperties>
    | Feature<null, DoubtProperties>
    | Feature<Point, StopProperties>
  )[];
}

export type AlertState = "raised" | "acknowledged" | "resolved" | "retracted";

export interface Alert {
  id: string;
  kind: string;
  state: AlertState;
  at: number;
  raised_at: number;
  carrier?: string | null;
  zone?: string | null;
  gateway?: string | null;
  receiver?: string | null;
  /** A pseudonym, for staff: the device that may be copied. */
  tag?: string | null;
  suspect?: string | null;
}

export interface PlanProperties {
  kind: string;
  id?: string;
  use?: string;
  route?: string;
  names?: { ja?: string; en?: string };
}

export type Plan = FeatureCollection<Geometry, PlanProperties>;
export type PlanFeature = Feature<Geometry, PlanProperties>;
