// Every text of the page. A row without one of the languages fails the type check.
export const LANGUAGES = ["ja", "ja-simple", "en"] as const;
export type Language = (typeof LANGUAGES)[number];

export const LANGUAGE_NAMES: Record<Language, string> = {
  ja: "日本語",
  "ja-simple": "やさしい日本語",
  en: "English",
};

const TEXTS = {
  appName: { ja: "まちもり", "ja-simple": "まちもり", en: "Machimori" },
  tagline: {
    ja: "まちの見守り",
    "ja-simple": "まちで 家族を 見まもる ページ",
    en: "Watching over your family in town",
  },
  language: { ja: "言語", "ja-simple": "ことば", en: "Language" },

  login: { ja: "ログイン", "ja-simple": "ログイン", en: "Log in" },
  loginName: { ja: "ログイン名", "ja-simple": "ログインの 名前", en: "Login name" },
  password: { ja: "パスワード", "ja-simple": "パスワード", en: "Password" },
  loggingIn: { ja: "ログインしています…", "ja-simple": "まって ください…", en: "Logging in…" },
  logout: { ja: "ログアウト", "ja-simple": "ログアウト", en: "Log out" },

  wrongLogin: {
    ja: "ログイン名かパスワードが違います。確かめて、もう一度入力してください。",
    "ja-simple": "名前か パスワードが ちがいます。もう一度 書いて ください。",
    en: "The login name or the password is wrong. Check both and try again.",
  },
  lockedOut: {
    ja: "間違いが続いたため、ログインを止めています。{minutes}分後にもう一度お試しください。",
    "ja-simple": "まちがいが 多いです。{minutes}分 まってから、もう一度 して ください。",
    en: "Too many wrong attempts. Try again in {minutes} min.",
  },
  sessionEnded: {
    ja: "ログインの期限が切れました。もう一度ログインしてください。",
    "ja-simple": "時間が すぎました。もう一度 ログインして ください。",
    en: "Your session has ended. Please log in again.",
  },
  notForYou: {
    ja: "このログインでは、このページを使えません。管理事務所にお問い合わせください。",
    "ja-simple": "この 名前では、この ページを つかえません。管理事務所に 聞いて ください。",
    en: "This account cannot use this page. Please ask the management office.",
  },
  unreachable: {
    ja: "まちもりにつながりません。インターネットの接続を確かめて、もう一度お試しください。",
    "ja-simple": "まちもりに つながりません。インターネットを たしかめて、もう一度 して ください。",
    en: "Machimori cannot be reached. Check your internet connection and try again.",
  },
  serverTrouble: {
    ja: "まちもりの側で問題が起きています。少し待って、もう一度お試しください。",
    "ja-simple": "まちもりが うまく うごいて いません。少し まって、もう一度 して ください。",
    en: "Machimori has a problem. Wait a moment and try again.",
  },
  notSaved: {
    ja: "確認を記録できませんでした。もう一度押してください。",
    "ja-simple": "できませんでした。もう一度 おして ください。",
    en: "That was not saved. Press the button again.",
  },

  connecting: { ja: "接続中…", "ja-simple": "つないで います…", en: "Connecting…" },
  live: { ja: "ライブ", "ja-simple": "つながって います", en: "Live" },
  reconnecting: { ja: "再接続中…", "ja-simple": "つなぎなおして います…", en: "Reconnecting…" },
  offlineSince: {
    ja: "{time}から未接続",
    "ja-simple": "{time}から つながって いません",
    en: "Offline since {time}",
  },
  shownAsOf: {
    ja: "接続が切れています。地図は{time}のものです。自動でつなぎ直します。",
    "ja-simple": "つながって いません。地図は {time}の ものです。このまま まって ください。",
    en: "Not connected. The map shows {time}. Reconnecting by itself.",
  },

  map: { ja: "まちの地図", "ja-simple": "まちの 地図", en: "Map of the town" },
  wholeTown: { ja: "まち全体", "ja-simple": "まち ぜんぶ", en: "Whole town" },
  zoomIn: { ja: "拡大", "ja-simple": "大きく する", en: "Zoom in" },
  zoomOut: { ja: "縮小", "ja-simple": "小さく する", en: "Zoom out" },
  showOnMap: { ja: "地図で見る", "ja-simple": "地図で 見る", en: "Show on map" },
  following: { ja: "地図で追っています", "ja-simple": "地図で 見て います", en: "Following on map" },
  shelter: { ja: "避難場所", "ja-simple": "にげる ところ", en: "Shelter" },

  family: { ja: "見守っている人", "ja-simple": "見まもって いる 人", en: "People you watch over" },
  noCarriers: {
    ja: "見守る人がまだ登録されていません。管理事務所にお問い合わせください。",
    "ja-simple": "だれも 登録されて いません。管理事務所に 聞いて ください。",
    en: "Nobody is registered yet. Please ask the management office.",
  },
  noPosition: {
    ja: "まだ位置がありません",
    "ja-simple": "どこに いるか まだ わかりません",
    en: "No position yet",
  },
  tracked: { ja: "位置がわかっています", "ja-simple": "どこに いるか わかります", en: "Position known" },
  uncertain: {
    ja: "位置がはっきりしません",
    "ja-simple": "だいたいの ところだけ わかります",
    en: "Position uncertain",
  },
  out_of_coverage: {
    ja: "見守りの範囲の外です",
    "ja-simple": "見まもりが とどく ところに いません",
    en: "Outside the covered area",
  },
  silent: {
    ja: "タグの電波が届いていません",
    "ja-simple": "タグの 電波が ありません",
    en: "No signal from the tag",
  },
  maybeInZone: { ja: "おそらく{zone}", "ja-simple": "たぶん {zone}", en: "Probably {zone}" },
  lastKnown: { ja: "最後の位置：{place}", "ja-simple": "最後に いた ところ：{place}", en: "Last known: {place}" },
  onTheWay: { ja: "まちの中", "ja-simple": "まちの 中", en: "In the town" },
  within: { ja: "（約{metres} mの範囲）", "ja-simple": "（だいたい {metres}メートル）", en: "(within about {metres} m)" },
  lastHeard: { ja: "最後に受信：{time}", "ja-simple": "最後の 電波：{time}", en: "Last heard {time}" },
  positionOf: { ja: "位置の時刻：{time}", "ja-simple": "{time}の ところ", en: "Position of {time}" },
  secondsAgo: { ja: "（{n}秒前）", "ja-simple": "（{n}秒 前）", en: " ({n} s ago)" },
  minutesAgo: { ja: "（{n}分前）", "ja-simple": "（{n}分 前）", en: " ({n} min ago)" },
  hoursAgo: { ja: "（{n}時間前）", "ja-simple": "（{n}時間 前）", en: " ({n} h ago)" },
  routeGaps: {
    ja: "今日、記録のない時間：{times}",
    "ja-simple": "今日、わからない 時間：{times}",
    en: "No record today: {times}",
  },
  routeGap: {
    ja: "{from}〜{to} 記録なし",
    "ja-simple": "{from}〜{to} わかりません",
    en: "{from}–{to} no record",
  },
  routeDoubts: {
    ja: "今日、位置が確かでない時間：{times}",
    "ja-simple": "今日、ところが まちがって いるかも しれない 時間：{times}",
    en: "Today's way may be wrong: {times}",
  },
  routeDoubted: {
    ja: "位置が確かでない区間",
    "ja-simple": "まちがって いるかも しれません",
    en: "This part may be wrong",
  },
  tagDoubted: {
    ja: "このタグと同じ電波を出しているものがあるかもしれません。位置が正しくないことがあります",
    "ja-simple": "ほかの きかいが この タグの まねを して いるかも しれません。ところが まちがって いるかも しれません",
    en: "Something may be copying this tag's signal: the position may be wrong",
  },
  tagProvisional: {
    ja: "タグの時計が変わりました（電池交換など）。本物のタグか確認しています",
    "ja-simple": "タグの 時計が かわりました（電池を かえた とき など）。ほんものか たしかめて います",
    en: "The tag's clock has changed, as after a new battery: we are making sure that it is the tag",
  },
  batteryLow: {
    ja: "タグの電池が残り約{percent}%です。交換してください",
    "ja-simple": "タグの 電池が 少ないです（{percent}%）。あたらしい 電池に して ください",
    en: "The tag's battery is low (about {percent}%): change it",
  },
  sosDoubted: {
    ja: "（以前の信号の再送かもしれません。念のため確認してください）",
    "ja-simple": "（前の でんぱかも しれません。でも、かくにんして ください）",
    en: " (it may be a repeat of an earlier signal; check all the same)",
  },
  andMore: { ja: "ほか{n}回", "ja-simple": "あと {n}回", en: "and {n} more" },

  alerts: { ja: "お知らせ", "ja-simple": "お知らせ", en: "Alerts" },
  noAlerts: { ja: "お知らせはありません", "ja-simple": "お知らせは ありません", en: "No alerts" },
  olderAlerts: { ja: "前のお知らせも見る", "ja-simple": "前の お知らせも 見る", en: "Show older alerts" },
  acknowledge: { ja: "確認しました", "ja-simple": "わかりました", en: "Acknowledge" },
  acknowledged: { ja: "確認済み", "ja-simple": "見ました", en: "Acknowledged" },
  resolved: { ja: "解消しました", "ja-simple": "おわりました", en: "Resolved" },
  retracted: { ja: "取り消されました", "ja-simple": "まちがいでした", en: "Retracted" },
  sosTitle: { ja: "SOS　{name}", "ja-simple": "SOS　{name}", en: "SOS  {name}" },
  sosPressed: {
    ja: "{time}にSOSボタンが押されました",
    "ja-simple": "{time}に SOSボタンを おしました",
    en: "SOS button pressed at {time}",
  },
  sosLate: {
    ja: "（{time}に届きました）",
    "ja-simple": "（{time}に とどきました）",
    en: " (arrived {time})",
  },
  sosPlace: { ja: "場所：{place}", "ja-simple": "ところ：{place}", en: "Place: {place}" },
  placeNow: { ja: "今の位置：{place}", "ja-simple": "今の ところ：{place}", en: "Place now: {place}" },
  sosAdvice: {
    ja: "すぐに連絡をとってください。命の危険があるときは110番・119番へ。",
    "ja-simple": "すぐに 電話を して ください。あぶない ときは 110か 119に 電話して ください。",
    en: "Get in touch at once. If life is in danger, call 110 or 119.",
  },
  place_unknown: { ja: "不明", "ja-simple": "わかりません", en: "unknown" },
  someone: { ja: "見守っている人", "ja-simple": "見まもって いる 人", en: "Someone you watch over" },
  alert_sos: { ja: "{name}がSOSボタンを押しました", "ja-simple": "{name}が SOSボタンを おしました", en: "{name} pressed the SOS button" },
  alert_zone_enter: { ja: "{name}が{zone}に着きました", "ja-simple": "{name}が {zone}に 来ました", en: "{name} arrived: {zone}" },
  alert_zone_leave: { ja: "{name}が{zone}を出ました", "ja-simple": "{name}が {zone}を 出ました", en: "{name} left: {zone}" },
  alert_tag_silent: {
    ja: "{name}のタグの電波が届いていません",
    "ja-simple": "{name}の タグの 電波が ありません",
    en: "No signal from {name}'s tag",
  },
  alert_clock_off: {
    ja: "ゲートウェイ{gateway}の時計がずれています",
    "ja-simple": "きかい {gateway}の 時計が ちがいます",
    en: "The clock of gateway {gateway} is wrong",
  },
  alert_twin_gateway: {
    ja: "ゲートウェイ{gateway}が2台あります。片方の名前を変えてください",
    "ja-simple": "きかい {gateway}が 2つ あります",
    en: "Two gateways call themselves {gateway}: rename one",
  },
  alert_receiver_dead: {
    ja: "受信機{receiver}は動いていますが、タグの電波が聞こえていません",
    "ja-simple": "きかい {receiver}が タグの 電波を きいて いません",
    en: "Receiver {receiver} runs, but hears no tag",
  },
  alert_receiver_silent: {
    ja: "受信機{receiver}から何も届いていません",
    "ja-simple": "きかい {receiver}から なにも とどきません",
    en: "Nothing comes from receiver {receiver}",
  },
  alert_receiver_deaf: {
    ja: "受信機{receiver}の感度が低くなっています",
    "ja-simple": "きかい {receiver}は 電波を よく きいて いません",
    en: "Receiver {receiver} hears far less than the others",
  },
  alert_receiver_moved: {
    ja: "受信機{receiver}が登録と違う場所にあります",
    "ja-simple": "きかい {receiver}の ところが ちがいます",
    en: "Receiver {receiver} is not where it is said to be",
  },
  alert_receiver_swapped: {
    ja: "受信機{receiver}が別の受信機と入れ替わっています",
    "ja-simple": "きかい {receiver}は べつの きかいと 入れかわって います",
    en: "Receiver {receiver} is swapped with another",
  },
  alert_receiver_down: {
    ja: "受信機{receiver}が受信を止めています",
    "ja-simple": "きかい {receiver}が とまって います",
    en: "Receiver {receiver} has stopped receiving",
  },
  alert_receiver_hears_nothing: {
    ja: "受信機{receiver}は動いていますが、何の電波も聞こえていません",
    "ja-simple": "きかい {receiver}に なにも 聞こえて いません",
    en: "Receiver {receiver} is up, but hears nothing at all",
  },
  alert_receiver_loses_adverts: {
    ja: "受信機{receiver}がタグの電波を取りこぼしています",
    "ja-simple": "きかい {receiver}は タグの 電波を すこししか 聞いて いません",
    en: "Receiver {receiver} loses much of what tags send",
  },
  alert_tag_suspect: {
    ja: "タグ{tag}の電波が複製・再送されているおそれがあります",
    "ja-simple": "タグ {tag}の まねを して いる きかいが あるかも しれません",
    en: "Tag {tag} may be copied or replayed",
  },
  alert_sink_behind: {
    ja: "InfluxDBへの記録が10分以上止まっています。データはハブに残っています",
    "ja-simple": "きろくが 10分より 長く 止まって います",
    en: "InfluxDB has got nothing for over 10 minutes; the hub keeps it all",
  },
  alert_store_damaged: {
    ja: "データベースの一部が壊れています。バックアップから戻してください",
    "ja-simple": "きろくの 一部が こわれて います",
    en: "A part of the database is damaged: put back a backup",
  },
  alert_other: { ja: "お知らせがあります", "ja-simple": "お知らせが あります", en: "There is an alert" },
} as const satisfies Record<string, Record<Language, string>>;

export type TextKey = keyof typeof TEXTS;

/** The text of `key` in `language`; each `{word}` is replaced from `words`. */
export function text(language: Language, key: TextKey, words: Record<string, string> = {}): string {
  return TEXTS[key][language].replace(/\{(\w+)\}/g, (whole, word: string) => words[word] ?? whole);
}

/** `value` where it is a language of the page, else Japanese. */
export function asLanguage(value: string | null): Language {
  return LANGUAGES.find((language) => language === value) ?? "ja";
}

/** The row of an alert's kind; a kind that this page does not know yet still says that it is there. */
export function alertText(kind: string): TextKey {
  const key = `alert_${kind}`;
  return key in TEXTS ? (key as TextKey) : "alert_other";
}
