// What the staff's page knows of the lamps: asked for again and again while somebody looks.
import { ApiError } from "../api";
import { lightsApi } from "./api";
import { byUrgency } from "./signs";
import type { Lamp, LampEvent, Lamps, Override } from "./wire";
import { trouble } from "./words";

const LOOK_MS = 10_000;
/** While a lamp has not yet said whether it followed an order, which it does within 3 s. */
const AWAIT_MS = 1_000;

export class Lights {
  /** Faults first. */
  lamps = $state.raw<Lamp[]>([]);
  known = $state.raw<Omit<Lamps, "lamps">>({ at: 0, sunset: null, sunrise: null, groups: [] });
  overrides = $state.raw<Override[]>([]);
  events = $state.raw<LampEvent[]>([]);
  loaded = $state(false);
  /** What the reader can do where the last look failed; empty where it did not. */
  trouble = $state("");
  /** Grows with each look, for parts that ask for more of their own. */
  looks = $state(0);

  private timer = 0;
  private looking: Promise<void> | null = null;

  constructor(private readonly onSessionEnded: () => void) {}

  start(): () => void {
    document.addEventListener("visibilitychange", this.onWake);
    void this.look();
    return () => {
      document.removeEventListener("visibilitychange", this.onWake);
      clearTimeout(this.timer);
      this.timer = -1;
    };
  }

  /** Ask the hub now; two that ask at once share one look. */
  look(): Promise<void> {
    this.looking ??= this.ask().finally(() => {
      this.looking = null;
      if (this.timer !== -1) this.timer = window.setTimeout(this.onTimer, this.pauseMs());
    });
    return this.looking;
  }

  /** Do `request`, then look again. Resolves to "" where it was done, else to what one can do. */
  async attempt(request: () => Promise<unknown>): Promise<string> {
    const refused = await this.tried(request);
    if (!refused) {
      clearTimeout(this.timer);
      await this.looking;
      await this.look();
    }
    return refused;
  }

  /** The same without a look: for parts that fetch something of their own. */
  async tried(request: () => Promise<unknown>): Promise<string> {
    try {
      await request();
      return "";
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 401) this.onSessionEnded();
      return trouble(error);
    }
  }

  private async ask(): Promise<void> {
    clearTimeout(this.timer);
    this.trouble = await this.tried(async () => {
      const [told, overrides, events] = await Promise.all([
        lightsApi.lamps(),
        lightsApi.overrides(),
        lightsApi.openEvents(),
      ]);
      const { lamps, ...known } = told;
      this.lamps = lamps.sort(byUrgency);
      this.known = known;
      this.overrides = overrides;
      this.events = events;
      this.loaded = true;
      this.looks += 1;
    });
  }

  private pauseMs(): number {
    const waits = this.overrides.some(({ outcomes }) =>
      outcomes.some(({ state }) => state === "waiting"),
    );
    return waits ? AWAIT_MS : LOOK_MS;
  }

  private readonly onTimer = (): void => {
    if (document.visibilityState === "visible") void this.look();
  };

  private readonly onWake = (): void => {
    if (document.visibilityState === "visible" && !this.looking) void this.look();
  };
}
