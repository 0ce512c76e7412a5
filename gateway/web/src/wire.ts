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
  /** When a receiver last heard the tag; where absent, `at` of the last position with n_heard > 0. */
  heard_at?: number | null;
}

export type PositionFeature = Feature<Point, PositionProperties>;

export interface Carrier {
  id: string;
  name: string;
  kind: string;
  position: PositionFeature | null;
}

export interface StretchProperties {
  since: number;
  until: number;
  times: number[];
}

/** One LineString for each unbroken stretch. */
export type Route = FeatureCollection<LineString, StretchProperties>;

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
