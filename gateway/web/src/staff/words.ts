// The staff's texts in the reader's language. やさしい日本語 is for residents: staff read Japanese.
import { ApiError } from "../api";
import { say, speech } from "../language.svelte";
import { faultAdvice, faultName } from "./faults";
import { isFlag, quantityName, withUnit } from "./quantities";
import { inJapanese } from "./reasons";
import { staffKey, staffText, type StaffKey, type StaffLanguage } from "./texts";

const language = (): StaffLanguage => (speech.language === "en" ? "en" : "ja");

export const tell = (key: StaffKey, words?: Record<string, string | number>): string =>
  staffText(language(), key, words);

export const fault = (kind: string): string => faultName(kind, language());
export const advice = (kind: string): string => faultAdvice(kind, language());
export const quantity = (name: string): string => quantityName(name, language());

/** Why a lamp has its level, or which rule of a calendar chose. */
export const because = (reason: string): string =>
  language() === "en" ? reason : inJapanese(reason);

/** The text of `key` where the page has one, else the hub's own word. */
export function known(key: string, otherwise: string): string {
  const found = staffKey(key);
  return found ? tell(found) : otherwise;
}

/** A value of the quantity `name`: "38.4 W", or yes and no. */
export function valueOf(name: string, value: number | boolean): string {
  if (typeof value === "boolean" || isFlag(name)) return tell(value ? "yes" : "no");
  return withUnit(name, value);
}

export const listed = (words: string[]): string => words.join(language() === "en" ? ", " : "、");

/** "64 %", or a dash where nobody knows. */
export const percent = (level: number | null): string =>
  level === null ? "—" : tell("percent", { n: Math.round(level) });

/** What a person does about a request that did not do its work. */
export function trouble(error: ApiError): string {
  if (error.status === 404) return tell("gone");
  if (error.detail && error.status >= 400 && error.status < 500) {
    return tell("refused", { detail: error.detail });
  }
  return say(error.text, error.words);
}
