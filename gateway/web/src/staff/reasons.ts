// Why a lamp has its level: the gateway's own words (gateway/lights), told in Japanese.
//
// They are made of few phrases around the names that people gave; what is not known stays as it is.

const WEEKDAYS: Record<string, string> = {
  mon: "月",
  tue: "火",
  wed: "水",
  thu: "木",
  fri: "金",
  sat: "土",
  sun: "日",
};

const PHRASES: [RegExp, string][] = [
  // people, and the gateway itself
  [/^scene evacuation: /, "避難："],
  [/^scene search: /, "人の捜索："],
  [/^scene sos: /, "近くのSOS："],
  [/^safety override: /, "非常時の指令："],
  [/^technician override: /, "技術者の指令："],
  [/^staff override: /, "管理担当者の指令："],
  [/^blinking, to be found$/, "探すための点滅"],
  [/^the gateway's clock is not set: /, "ゲートウェイの時計が合うまで："],
  // programs that cannot be followed
  [/there is no (calendar|program) ([^:]+)/, "$1「$2」がありません"],
  [/^no calendar/, "カレンダーなし"],
  [/(calendar|program) (\S+) cannot be used, /, "$1「$2」は使えません。"],
  [/calendar(?=「)/, "カレンダー"],
  [/program(?=「)/, "プログラム"],
  // sensors
  [/its photocell: on below (\S+) lx, off above (\S+) lx/, "照度センサー（$1 lx未満で点灯、$2 lx超で消灯）"],
  [
    /photocell of ([^:]+): on below (\S+) lx, off above (\S+) lx/,
    "$1の照度センサー（$2 lx未満で点灯、$3 lx超で消灯）",
  ],
  [/: says nothing, so by the sun\)/, "：応答がないので太陽による）"],
  [/ \(照度/, "（照度"],
  [/: dark → /, "：暗い → "],
  [/: bright → off/, "：明るい → 消灯"],
  [/motion here/, "ここの動き"],
  [/motion at ([^\s:]+)/, "$1の動き"],
  [/ and (\d+) lamps around/, "（まわり$1灯も）"],
  [/: at least (\S+) %/, "：$1 %以上"],
  [/: at most (\S+) %/, "：$1 %以下"],
  [/: (\S+) % more/, "：$1 %明るく"],
  [/: (\S+) % less/, "：$1 %暗く"],
  [/, held (\S+) s/, "、$1秒続ける"],
  // times
  [/: off until (.+)$/, "：$1まで消灯"],
  [/: off$/, "：消灯"],
  [/sunset/, "日の入り"],
  [/\bnoon\b/, "正午"],
  [/ ([+-]\d+(?:\.\d+)?) min/, "$1分"],
  // a calendar's rule
  [/^default$/, "初期値"],
  [/\brule (\d+): /, "規則$1："],
  [/every night/, "毎晩"],
  [/: /g, "："],
];

/** A lamp's reason, or a calendar's rule, in Japanese. */
export function inJapanese(reason: string): string {
  const phrased = PHRASES.reduce((told, [phrase, japanese]) => told.replace(phrase, japanese), reason);
  return phrased.replace(/(?<=^規則\d+：.*)\b(mon|tue|wed|thu|fri|sat|sun)\b/g, (day) => WEEKDAYS[day] ?? day);
}
