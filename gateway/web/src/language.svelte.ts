import { asLanguage, text, type Language, type TextKey } from "./texts";

const STORED = "machimori.language";

/** The page's language: what the reader chose on this device, else the account's. */
class Speech {
  language = $state<Language>(asLanguage(localStorage.getItem(STORED)));
  chosen = localStorage.getItem(STORED) !== null;

  choose(language: Language): void {
    this.chosen = true;
    localStorage.setItem(STORED, language);
    this.use(language);
  }

  use(language: Language): void {
    this.language = language;
    document.documentElement.lang = language;
    document.title = this.say("appName");
  }

  say(key: TextKey, words?: Record<string, string>): string {
    return text(this.language, key, words);
  }
}

export const speech = new Speech();
speech.use(speech.language);

export const say = (key: TextKey, words?: Record<string, string>): string => speech.say(key, words);
