// Today's way of one carrier: unbroken stretches, and between them nothing.
import type { PositionFeature, Route } from "./wire";

/** A later position continues a stretch only up to here: a carrier at rest is told once a minute. */
const LONGEST_STEP_S = 90;
/** Shorter holes are drawn, but not worth a reader's words. */
const NAMED_GAP_S = 120;

export interface TrailPoint {
  at: number;
  lat: number;
  lon: number;
}

export type Stretch = TrailPoint[];

export interface Gap {
  since: number;
  until: number;
}

/** Times of the way that may be another's: somebody may have copied the tag. Overlaps are joined. */
export function doubtsOf(route: Route): Gap[] {
  const found = route.features
    .flatMap(({ properties }) => (properties.kind === "doubt" ? [properties] : []))
    .sort((a, b) => a.since - b.since);
  const joined: Gap[] = [];
  for (const { since, until } of found) {
    const last = joined.at(-1);
    if (last && since <= last.until) last.until = Math.max(last.until, until);
    else joined.push({ since, until });
  }
  return joined;
}

/** The parts of the trail that lie in `doubts`. */
export function doubted(trail: Stretch[], doubts: Gap[]): Stretch[] {
  return doubts.flatMap(({ since, until }) =>
    trail
      .map((stretch) => stretch.filter(({ at }) => at >= since && at <= until))
      .filter((part) => part.length > 1),
  );
}

export function stretchesOf(route: Route): Stretch[] {
  return route.features.flatMap(({ geometry, properties }) => {
    if (geometry?.type !== "LineString" || properties.kind !== "stretch") return [];
    return [
      geometry.coordinates.map(([lon = 0, lat = 0], index) => ({
        at: properties.times[index] ?? properties.since,
        lat,
        lon,
      })),
    ];
  });
}

/** The trail with one point more; the same trail where the point is not after its end. */
export function appended(trail: Stretch[], point: TrailPoint): Stretch[] {
  const last = trail.at(-1);
  const end = last?.at(-1);
  if (end && point.at <= end.at) return trail;
  if (!last || !end || point.at - end.at > LONGEST_STEP_S) return [...trail, [point]];
  return [...trail.slice(0, -1), [...last, point]];
}

/** The trail with a live position behind it; a tag that nobody hears leaves none. */
export function extended(trail: Stretch[], feature: PositionFeature): Stretch[] {
  const { at, presence } = feature.properties;
  if (presence === "silent" || presence === "out_of_coverage") return trail;
  const [lon = 0, lat = 0] = feature.geometry.coordinates;
  return appended(trail, { at, lat, lon });
}

/** What the hub holds since `since`, and behind it the live points that it does not hold yet. */
export function refreshed(fetched: Stretch[], live: Stretch[], since: number): Stretch[] {
  const newer = live.flat().filter((point) => point.at >= since);
  return newer.reduce(appended, fetched);
}

/** The times between the stretches. */
export function gapsOf(trail: Stretch[]): Gap[] {
  const gaps: Gap[] = [];
  for (const [index, stretch] of trail.entries()) {
    const since = trail[index - 1]?.at(-1)?.at;
    const until = stretch[0]?.at;
    if (since !== undefined && until !== undefined && until - since >= NAMED_GAP_S) {
      gaps.push({ since, until });
    }
  }
  return gaps;
}
