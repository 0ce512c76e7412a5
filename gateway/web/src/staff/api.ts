// What the staff's page asks of the hub.
import { API, get, send } from "../api";
import type {
  Energy,
  HistoryPoint,
  LampDetail,
  LampEvent,
  Lamps,
  MorningReport,
  NewOverride,
  NewScene,
  NightPlan,
  Override,
  Work,
} from "./wire";

const id = encodeURIComponent;

const query = (words: Record<string, string | number>): string =>
  new URLSearchParams(Object.entries(words).map(([key, value]) => [key, String(value)])).toString();

async function post<Body>(path: string, body: unknown): Promise<Body> {
  const response = await send("POST", path, body);
  return (await response.json()) as Body;
}

export interface EnergyQuery {
  by: "site" | "group" | "lamp";
  period: "night" | "month";
  since: string;
  until: string;
}

export const lightsApi = {
  lamps: () => get<Lamps>("/lamps"),
  lamp: (lamp: string) => get<LampDetail>(`/lamps/${id(lamp)}`),
  history: (lamp: string, since: number, until: number) =>
    get<{ lamp: string; points: HistoryPoint[] }>(
      `/lamps/${id(lamp)}/history?${query({ since: Math.floor(since), until: Math.ceil(until) })}`,
    ),
  plan: (lamp: string, night: string) => get<NightPlan>(`/lamps/${id(lamp)}/plan?${query({ night })}`),

  overrides: () => get<Override[]>("/overrides?open=true"),
  override: (override: string) => get<Override>(`/overrides/${id(override)}`),
  order: (order: NewOverride) => post<Override>("/overrides", order),
  end: (override: string) => send("DELETE", `/overrides/${id(override)}`),
  scene: (scene: NewScene) => post<Override>("/scenes", scene),

  openEvents: () => get<LampEvent[]>("/lamp-events?open=true"),
  eventsSince: (since: number) => get<LampEvent[]>(`/lamp-events?${query({ since: Math.floor(since) })}`),
  work: (event: LampEvent["id"], work: { state: Work; assignee?: string; note?: string }) =>
    send("POST", `/lamp-events/${id(event)}/work`, work),
  report: (night: string) => get<MorningReport>(`/lamp-events/report?${query({ night })}`),

  energy: (asked: EnergyQuery) => get<Energy>(`/energy?${query({ ...asked })}`),
  energyCsv: (asked: EnergyQuery) => `${API}/energy.csv?${query({ ...asked })}`,
};
