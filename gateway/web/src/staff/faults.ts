// What can be wrong with a lamp: its name, and what somebody does about it. In the order in which one sees to them: danger to
// people, then darkness, then what wears or wastes (the hub's morning report has the same).
import type { StaffLanguage } from "./texts";

interface Fault {
  name: Record<StaffLanguage, string>;
  advice: Record<StaffLanguage, string>;
}

const FAULTS: Record<string, Fault> = {
  leakageDetected: {
    name: { ja: "漏電", en: "Leakage" },
    advice: { ja: "触れないでください。回路を切って点検します。", en: "Do not touch. Cut the circuit, then inspect." },
  },
  impactDetected: {
    name: { ja: "柱への衝撃", en: "Impact on the pole" },
    advice: { ja: "柱の傾きと根元を現地で確かめます。", en: "Check the pole and its foot on site." },
  },
  cabinetDoorOpen: {
    name: { ja: "扉が開いている", en: "Door open" },
    advice: { ja: "点検口の扉を閉めます。", en: "Close the hatch." },
  },
  circuitBreakerTripped: {
    name: { ja: "遮断器が落ちた", en: "Breaker tripped" },
    advice: { ja: "原因を調べてから入れ直します。", en: "Find the cause, then switch it on again." },
  },
  lampFailure: {
    name: { ja: "点灯しない", en: "Lamp does not light" },
    advice: { ja: "灯具と配線を点検します。", en: "Inspect the lamp and its wiring." },
  },
  supplyLoss: {
    name: { ja: "停電", en: "No mains" },
    advice: { ja: "回路と電力会社の停電情報を確かめます。", en: "Check the circuit and the utility's outages." },
  },
  relayFailure: {
    name: { ja: "リレー故障", en: "Relay stuck" },
    advice: { ja: "ノードを交換します。", en: "Replace the node." },
  },
  cyclingFailure: {
    name: { ja: "点いたり消えたり", en: "Goes on and off" },
    advice: { ja: "灯具の寿命か接触不良です。灯具を点検します。", en: "End of life or a bad contact: inspect the lamp." },
  },
  communicationFailure: {
    name: { ja: "応答なし", en: "No answer" },
    advice: { ja: "通信線と端子を点検します。街灯は自分の予備の明るさです。", en: "Inspect the line and its terminals. The lamp keeps its own fallback level." },
  },
  orientationChanged: {
    name: { ja: "柱の傾き", en: "Pole leans" },
    advice: { ja: "倒れる危険を現地で確かめます。", en: "Check on site whether it may fall." },
  },
  dimmingFailure: {
    name: { ja: "調光できない", en: "Does not dim" },
    advice: { ja: "調光線と電源装置を点検します。", en: "Inspect the dimming wire and the driver." },
  },
  lampUnexpectedOn: {
    name: { ja: "昼間も点灯", en: "Burns when off" },
    advice: { ja: "リレーと配線を点検します。", en: "Inspect relay and wiring." },
  },
  temperatureTooHigh: {
    name: { ja: "温度が高い", en: "Too hot" },
    advice: { ja: "放熱部の汚れと灯具の型を確かめます。", en: "Check the heat sink and the type of lamp." },
  },
  lampPowerTooHigh: {
    name: { ja: "電力が多い", en: "Power too high" },
    advice: { ja: "電源装置、または型の登録違いを確かめます。", en: "Check the driver, or the type registered." },
  },
  lampPowerTooLow: {
    name: { ja: "電力が少ない", en: "Power too low" },
    advice: { ja: "LEDの一部切れ、または型の登録違いを確かめます。", en: "Part of the LEDs is out, or the type is wrong." },
  },
  supplyVoltageTooHigh: {
    name: { ja: "電圧が高い", en: "Voltage too high" },
    advice: { ja: "同じ回路のほかの街灯と比べます。", en: "Compare with other lamps of the circuit." },
  },
  supplyVoltageTooLow: {
    name: { ja: "電圧が低い", en: "Voltage too low" },
    advice: { ja: "同じ回路のほかの街灯と比べます。", en: "Compare with other lamps of the circuit." },
  },
  powerFactorTooLow: {
    name: { ja: "力率が低い", en: "Power factor too low" },
    advice: { ja: "電源装置を点検します。", en: "Inspect the driver." },
  },
};

const ORDER = Object.keys(FAULTS);

/** 0 is the worst; a kind that this page does not know yet stands in the middle. */
export function rankOf(kind: string): number {
  const rank = ORDER.indexOf(kind);
  return rank < 0 ? ORDER.length / 2 : rank;
}

export const faultName = (kind: string, language: StaffLanguage): string =>
  FAULTS[kind]?.name[language] ?? kind;

export const faultAdvice = (kind: string, language: StaffLanguage): string =>
  FAULTS[kind]?.advice[language] ?? "";
