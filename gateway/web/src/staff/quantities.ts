// What a lamp's registers say: name, unit and decimals, in the order in which they are read.
import type { StaffLanguage } from "./texts";

interface Quantity {
  name: Record<StaffLanguage, string>;
  unit: string;
  decimals: number;
  /** Told as yes or no, also where evidence has it as 1 or 0. */
  flag?: boolean;
}

const row = (ja: string, en: string, unit = "", decimals = 0): Quantity => ({
  name: { ja, en },
  unit,
  decimals,
});

const flag = (ja: string, en: string): Quantity => ({ ...row(ja, en), flag: true });

export const QUANTITIES: Record<string, Quantity> = {
  target_level: row("指令の明るさ", "Commanded level", "%"),
  feedback_level: row("受けた指令", "Level it follows", "%"),
  actual_level: row("実際の明るさ", "Level it gives", "%"),
  active_power_w: row("有効電力", "Active power", "W", 1),
  expected_w: row("あるべき電力", "Expected power", "W", 1),
  apparent_power_va: row("皮相電力", "Apparent power", "VA", 1),
  power_factor: row("力率", "Power factor", "", 2),
  active_energy_kwh: row("積算電力量", "Energy", "kWh", 2),
  supply_voltage_v: row("電源電圧", "Supply voltage", "V", 1),
  frequency_hz: row("周波数", "Frequency", "Hz", 1),
  lamp_voltage_v: row("灯具電圧", "Lamp voltage", "V", 1),
  lamp_current_a: row("灯具電流", "Lamp current", "A", 2),
  operating_hours_h: row("点灯時間の積算", "Operating hours", "h"),
  switch_on_counter: row("点灯回数", "Times switched on"),
  supply_loss_count: row("停電の回数", "Supply losses"),
  temperature_c: row("温度", "Temperature", "°C", 1),
  illuminance_lx: row("照度", "Illuminance", "lx"),
  tilt_deg: row("傾き", "Tilt", "°", 1),
  motion: flag("人の動き", "Motion"),
  door_open: flag("扉が開いている", "Door open"),
  breaker_tripped: flag("遮断器が落ちた", "Breaker tripped"),
  leakage: flag("漏電", "Leakage"),
  autonomous: flag("単独で動作中", "On its own"),
  missed_polls: row("続けて答えなかった回数", "Polls missed in a row"),
  fits_level: row("電力に合う明るさ", "Level that the power fits", "%"),
  cycles: row("点滅の回数", "On and off again, times"),
  tilt_jump_deg: row("傾きの変化", "Change of tilt", "°", 1),
};

export const quantityName = (name: string, language: StaffLanguage): string =>
  QUANTITIES[name]?.name[language] ?? name;

export const isFlag = (name: string): boolean => QUANTITIES[name]?.flag ?? false;

/** "38.4 W" */
export function withUnit(name: string, value: number): string {
  const known = QUANTITIES[name];
  const digits = known?.decimals ?? 2;
  const number = value.toLocaleString("en", { maximumFractionDigits: digits });
  return known?.unit ? `${number} ${known.unit}` : number;
}
