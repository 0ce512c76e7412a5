// What every plot needs of its axes, as plain numbers.
import { dayStart } from "../../times";

export type Scale = (value: number) => number;

export const linear =
  (from: readonly [number, number], to: readonly [number, number]): Scale =>
  (value) =>
    to[0] + ((value - from[0]) / (from[1] - from[0] || 1)) * (to[1] - to[0]);

const HOUR_S = 3_600;
const STEPS_H = [1, 2, 3, 6, 12, 24, 48];

/** Whole hours of the site between the two times, at most `most` of them. */
export function hourTicks(since: number, until: number, most: number): number[] {
  const step = HOUR_S * (STEPS_H.find((hours) => (until - since) / (hours * HOUR_S) <= most) ?? 96);
  const origin = dayStart(since);
  const first = origin + Math.ceil((since - origin) / step) * step;
  const ticks = [];
  for (let at = first; at <= until; at += step) ticks.push(at);
  return ticks;
}

/** The least of 1, 2, 5 times a power of ten that is not below `value`; for the top of an axis. */
export function roundTop(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1e-6)));
  return power * ([1, 2, 5, 10].find((factor) => factor * power >= value) ?? 10);
}

/** The median distance between times that rise. */
export function usualStep(times: number[]): number {
  const apart = times.slice(1).map((at, index) => at - (times[index] ?? at));
  return apart.sort((a, b) => a - b)[apart.length >> 1] ?? 0;
}

export interface Sample {
  at: number;
  value: number;
}

/** Runs without a hole: a missing value, or a silence longer than `longest_s`, ends one. */
export function runs(samples: { at: number; value: number | null }[], longest_s: number): Sample[][] {
  const found: Sample[][] = [];
  let run: Sample[] = [];
  for (const { at, value } of samples) {
    const last = run.at(-1);
    if (value === null || (last && at - last.at > longest_s)) {
      if (run.length > 0) found.push(run);
      run = [];
    }
    if (value !== null) run.push({ at, value });
  }
  if (run.length > 0) found.push(run);
  return found;
}

/** A level holds until the next one: a path of steps. */
export function steps(run: Sample[], x: Scale, y: Scale): string {
  return run
    .map(({ at, value }, index) =>
      index === 0 ? `M${px(x(at))} ${px(y(value))}` : `H${px(x(at))}V${px(y(value))}`,
    )
    .join("");
}

export function line(run: Sample[], x: Scale, y: Scale): string {
  return run.map(({ at, value }, index) => `${index ? "L" : "M"}${px(x(at))} ${px(y(value))}`).join("");
}

const px = (value: number): string => value.toFixed(1);
