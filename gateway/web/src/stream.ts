// The live stream with a life of its own: it notices silence, reconnects, and says how it stands.
import { STREAM_URL } from "./api";
import type { Alert, PositionFeature } from "./wire";

const SILENCE_MS = 40_000; // the hub tells the time every 15 s; twice missed means a dead line
const OFFLINE_AFTER_MS = 10_000;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 15_000;

export type Connection = "connecting" | "live" | "reconnecting" | "offline";

export interface StreamListener {
  /** The stream stands: fetch what was missed. It counts as live when this is done. */
  onOpen(): Promise<void>;
  /** The line broke, which hides why: ask the hub whether the session still stands. */
  onBroken(): void;
  onState(state: Connection): void;
  onPosition(carrier: string, feature: PositionFeature): void;
  onAlert(alert: Alert): void;
  onTime(now: number): void;
}

export class LiveStream {
  private source: EventSource | null = null;
  private retryTimer = 0;
  private offlineTimer = 0;
  private silenceTimer = 0;
  private retryMs = FIRST_RETRY_MS;
  private heardMs = 0;
  private stopped = false;

  constructor(private readonly listener: StreamListener) {}

  start(): void {
    document.addEventListener("visibilitychange", this.onWake);
    window.addEventListener("online", this.onWake);
    this.listener.onState("connecting");
    this.awaitOffline();
    this.connect();
  }

  stop(): void {
    this.stopped = true;
    document.removeEventListener("visibilitychange", this.onWake);
    window.removeEventListener("online", this.onWake);
    this.close();
    clearTimeout(this.offlineTimer);
  }

  private connect(): void {
    this.close();
    const source = new EventSource(STREAM_URL);
    this.source = source;
    source.onopen = () => void this.opened(source);
    source.onerror = () => this.broken();
    this.on<{ carrier: string; feature: PositionFeature }>(source, "position", (event) =>
      this.listener.onPosition(event.carrier, event.feature),
    );
    this.on<Alert>(source, "alert", (alert) => this.listener.onAlert(alert));
    this.on<{ now: number }>(source, "time", (event) => this.listener.onTime(event.now));
    this.heard();
  }

  private on<Body>(source: EventSource, name: string, handle: (body: Body) => void): void {
    source.addEventListener(name, (event: MessageEvent<string>) => {
      this.heard();
      handle(JSON.parse(event.data) as Body);
    });
  }

  private async opened(source: EventSource): Promise<void> {
    this.heard();
    try {
      await this.listener.onOpen();
    } catch {
      // The listener has told the reader; the stream only has to try again.
      if (this.source === source) this.broken();
      return;
    }
    if (this.source !== source) return;
    this.retryMs = FIRST_RETRY_MS;
    clearTimeout(this.offlineTimer);
    this.offlineTimer = 0;
    this.listener.onState("live");
  }

  private broken(): void {
    this.close();
    if (this.stopped) return;
    this.listener.onBroken();
    if (!this.offlineTimer) {
      this.listener.onState("reconnecting");
      this.awaitOffline();
    }
    // Spread out, so that a hub that comes back is not met by every page at once.
    const waitMs = this.retryMs * (0.5 + Math.random());
    this.retryMs = Math.min(this.retryMs * 2, LONGEST_RETRY_MS);
    this.retryTimer = window.setTimeout(() => this.connect(), waitMs);
  }

  private awaitOffline(): void {
    this.offlineTimer = window.setTimeout(() => this.listener.onState("offline"), OFFLINE_AFTER_MS);
  }

  private heard(): void {
    this.heardMs = Date.now();
    clearTimeout(this.silenceTimer);
    this.silenceTimer = window.setTimeout(() => this.broken(), SILENCE_MS);
  }

  /** A phone sleeps with the stream open and wakes with it dead; do not wait for the silence. */
  private readonly onWake = (): void => {
    if (document.visibilityState !== "visible") return;
    if (this.source && Date.now() - this.heardMs < SILENCE_MS) return;
    this.connect();
  };

  private close(): void {
    this.source?.close();
    this.source = null;
    clearTimeout(this.retryTimer);
    clearTimeout(this.silenceTimer);
  }
}
