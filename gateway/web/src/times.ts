// Times of day are Japan's, whatever the reader's device is set to.
import { say, speech } from "./language.svelte";

const ZONE = "Asia/Tokyo";
const JAPAN_OFFSET_S = 9 * 3600; // Japan has no summer time
const DAY_S = 86_400;

function format(at: number, options: Intl.DateTimeFormatOptions): string {
  const locale = speech.language === "en" ? "en-GB" : "ja-JP";
  return new Intl.DateTimeFormat(locale, { timeZone: ZONE, ...options }).format(at * 1000);
}

/** "15:42" */
export const hourMinute = (at: number): string =>
  format(at, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

/** The nearest "15:42", of what happens at some second: the gateway tells the sun so, too. */
export const nearestMinute = (at: number): string => hourMinute(at + 30);

/** "15:42:07" */
export const hourMinuteSecond = (at: number): string =>
  format(at, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

/** The Unix second at which the day of `at` began in Japan. */
export const dayStart = (at: number): number =>
  Math.floor((at + JAPAN_OFFSET_S) / DAY_S) * DAY_S - JAPAN_OFFSET_S;

/** The hour and minute, with the date before it where `at` is not of the day of `now`. */
export function moment(at: number, now: number): string {
  const time = hourMinute(at);
  if (dayStart(at) === dayStart(now)) return time;
  return `${format(at, { month: "short", day: "numeric", weekday: "short" })} ${time}`;
}

/** "(12 s ago)", coarser as it grows; empty where it is under three seconds. */
export function ago(at: number, now: number): string {
  const seconds = Math.round(now - at);
  if (seconds < 3) return "";
  if (seconds < 60) return say("secondsAgo", { n: String(seconds) });
  if (seconds < 3600) return say("minutesAgo", { n: String(Math.floor(seconds / 60)) });
  if (seconds < DAY_S) return say("hoursAgo", { n: String(Math.floor(seconds / 3600)) });
  return "";
}
