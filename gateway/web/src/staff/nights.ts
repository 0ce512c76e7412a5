// Dates of the site, and nights: one belongs to the day on which it begins.
import { speech } from "../language.svelte";
import { dayStart } from "../times";

const HALF_DAY_S = 43_200;
const DAY_S = 86_400;
const JAPAN_OFFSET_S = 32_400;

/** "2026-11-22", of the day of `at` in Japan. */
export const dateOf = (at: number): string =>
  new Date((at + JAPAN_OFFSET_S) * 1000).toISOString().slice(0, 10);

/** The night that is on at `at`, or comes next: until noon it is still yesterday's. */
export const nightOf = (at: number): string => dateOf(at - HALF_DAY_S);

/** Noon in Japan of a date. */
export const noonOf = (date: string): number =>
  Date.parse(`${date}T12:00:00+09:00`) / 1000;

export const shifted = (date: string, days: number): string => dateOf(noonOf(date) + days * DAY_S);

/** "11月22日(日)" */
export function dateWords(date: string): string {
  const locale = speech.language === "en" ? "en-GB" : "ja-JP";
  return new Intl.DateTimeFormat(locale, {
    timeZone: "Asia/Tokyo",
    month: "short",
    day: "numeric",
    weekday: "short",
  }).format(noonOf(date) * 1000);
}

/** The next whole sunrise after `now`, as today's tells it. */
export function nextSunrise(sunrise: number | null, now: number): number | null {
  if (sunrise === null) return null;
  return sunrise > now ? sunrise : sunrise + Math.ceil((now - sunrise) / DAY_S) * DAY_S;
}

/** Whether `at` lies on the day of `now` in Japan. */
export const isToday = (at: number, now: number): boolean => dayStart(at) === dayStart(now);
