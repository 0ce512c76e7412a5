// Where the reader is, as the address says it: a lamp can be bookmarked, and "back" goes back.
export const VIEWS = ["lights", "work", "orders", "morning", "energy", "devices"] as const;
export type View = (typeof VIEWS)[number];

export const pathOf = (view: View, lamp = ""): string =>
  lamp ? `#/${view}/${encodeURIComponent(lamp)}` : `#/${view}`;

export class Route {
  view = $state<View>("lights");
  /** The lamp whose detail is open. */
  lamp = $state<string | null>(null);

  start(): () => void {
    this.read();
    window.addEventListener("hashchange", this.read);
    return () => window.removeEventListener("hashchange", this.read);
  }

  go(view: View, lamp = ""): void {
    location.hash = pathOf(view, lamp);
  }

  private readonly read = (): void => {
    const [, view, lamp = ""] = location.hash.split("/");
    this.view = VIEWS.find((one) => one === view) ?? "lights";
    this.lamp = this.view === "lights" && lamp ? plain(lamp) : null;
  };
}

function plain(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // somebody typed a stray % into the address
  }
}
