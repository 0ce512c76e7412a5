// What the page knows: fetched whole after each connection, then kept current by the stream.
import { api, ApiError } from "./api";
import { LiveStream, type Connection, type StreamListener } from "./stream";
import type { TextKey } from "./texts";
import { dayStart } from "./times";
import { doubtsOf, extended, refreshed, stretchesOf, type Gap, type Stretch } from "./trail";
import type { Alert, AlertState, Carrier, Plan, PositionFeature } from "./wire";

const ALERTS_BACK_S = 7 * 86_400;
const ROUTE_REFRESH_MS = 600_000; // late data fills holes after the fact

export interface Watched {
  id: string;
  name: string;
  feature: PositionFeature | null;
  heardAt: number | null;
  trail: Stretch[];
  /** When the way may have been another's. */
  doubts: Gap[];
  /** How much is left of the tag's battery, 0 to 1, where it says so. */
  battery: number | null;
}

const AGE: Record<AlertState, number> = { raised: 0, acknowledged: 1, resolved: 2, retracted: 2 };

function heardAt(feature: PositionFeature | null, before: number | null): number | null {
  if (!feature) return before;
  const { at, n_heard, heard_at } = feature.properties;
  return heard_at ?? (n_heard > 0 ? at : before);
}

export class Town implements StreamListener {
  plan = $state.raw<Plan | null>(null);
  watched = $state.raw<Watched[]>([]);
  alerts = $state.raw<Alert[]>([]);
  /** The hub's clock, as it last told; it stands still while the line is broken. */
  now = $state(0);
  connection = $state<Connection>("connecting");
  loaded = $state(false);
  trouble = $state<TextKey | null>(null);
  /** The alert that has just come in over the stream, to be read aloud. */
  news = $state.raw<Alert | null>(null);

  private readonly stream = new LiveStream(this);
  private refreshTimer = 0;

  /** `guardian`: only they have carriers; staff and technicians see the devices' alerts. */
  constructor(
    readonly guardian: boolean,
    private readonly onSessionEnded: () => void,
  ) {}

  start(): void {
    this.stream.start();
    this.refreshTimer = window.setInterval(() => void this.refreshRoutes(), ROUTE_REFRESH_MS);
  }

  stop(): void {
    this.stream.stop();
    clearInterval(this.refreshTimer);
  }

  async onOpen(): Promise<void> {
    try {
      await this.fetchAll();
      this.trouble = null;
    } catch (error) {
      this.told(error);
      throw error;
    }
  }

  onBroken(): void {
    api.time().catch((error: unknown) => this.told(error));
  }

  onState(state: Connection): void {
    this.connection = state;
  }

  onTime(now: number): void {
    this.now = Math.max(this.now, now);
  }

  onPosition(carrier: string, feature: PositionFeature): void {
    this.onTime(feature.properties.at);
    this.watched = this.watched.map((one) => (one.id === carrier ? moved(one, feature) : one));
  }

  onAlert(alert: Alert): void {
    const isNew = !this.alerts.some(({ id }) => id === alert.id);
    this.alerts = merged(this.alerts, [alert]);
    if (isNew && alert.state === "raised") this.news = alert;
  }

  /** Resolves to whether the hub took it. */
  async acknowledge(alert: Alert): Promise<boolean> {
    try {
      await api.acknowledge(alert.id);
    } catch (error) {
      this.told(error, "notSaved");
      return false;
    }
    this.trouble = null;
    this.onAlert({ ...alert, state: "acknowledged" });
    return true;
  }

  private async fetchAll(): Promise<void> {
    const { now } = await api.time();
    const [plan, carriers, alerts] = await Promise.all([
      this.plan ?? api.site(),
      this.guardian ? api.carriers() : [],
      api.alerts(Math.floor(now - ALERTS_BACK_S)),
    ]);
    this.now = now;
    this.plan = plan;
    this.alerts = merged(this.alerts, alerts);
    this.watched = carriers.map((carrier) => this.known(carrier));
    this.loaded = true;
    await this.fetchRoutes();
  }

  private known(carrier: Carrier): Watched {
    const { id, name, position } = carrier;
    const battery = batteryOf(carrier);
    const before = this.watched.find((one) => one.id === id);
    const now = { name, battery };
    if (before) return position ? moved({ ...before, ...now }, position) : { ...before, ...now };
    const seen = { feature: position, heardAt: heardAt(position, null) };
    return { id, ...now, ...seen, trail: [], doubts: [] };
  }

  private async refreshRoutes(): Promise<void> {
    if (this.connection !== "live" || document.visibilityState !== "visible") return;
    try {
      await this.fetchRoutes();
    } catch (error) {
      this.told(error);
    }
  }

  private async fetchRoutes(): Promise<void> {
    const since = dayStart(this.now);
    const until = Math.ceil(this.now) + 1;
    await Promise.all(
      this.watched.map(async ({ id }) => {
        const route = await api.route(id, since, until);
        const [fetched, doubts] = [stretchesOf(route), doubtsOf(route)];
        this.watched = this.watched.map((one) =>
          one.id === id ? { ...one, doubts, trail: refreshed(fetched, one.trail, since) } : one,
        );
      }),
    );
  }

  private told(error: unknown, instead?: TextKey): void {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 401) this.onSessionEnded();
    // The connection's own line tells that the hub cannot be reached.
    else if (instead || error.status !== 0) this.trouble = instead ?? error.text;
  }
}

/** A coin cell of 3 V is as good as new above 2.9 V and empty at 2.2 V. */
const [FULL_V, EMPTY_V] = [2.9, 2.2];

function batteryOf({ states }: Carrier): number | null {
  const [percent, volts] = [states?.battery_percent, states?.battery_v];
  if (percent) return percent.value / 100;
  if (!volts) return null;
  return Math.min(1, Math.max(0, (volts.value - EMPTY_V) / (FULL_V - EMPTY_V)));
}

function moved(one: Watched, feature: PositionFeature): Watched {
  if (one.feature && feature.properties.at < one.feature.properties.at) return one;
  return {
    ...one,
    feature,
    heardAt: heardAt(feature, one.heardAt),
    trail: extended(one.trail, feature),
  };
}

/** Both lists, newest first; an alert's life only goes forward, whatever order the news came in. */
function merged(before: Alert[], news: Alert[]): Alert[] {
  const byId = new Map(before.map((alert) => [alert.id, alert]));
  for (const alert of news) {
    const known = byId.get(alert.id);
    if (!known || AGE[alert.state] >= AGE[known.state]) byId.set(alert.id, alert);
  }
  return [...byId.values()].sort((a, b) => b.at - a.at);
}
