// One carrier on the map: a named dot that glides, the circle of 68 % and the faint one of 95 %.
import L from "leaflet";
import { hourMinute } from "../times";
import type { Watched } from "../town.svelte";
import type { PositionFeature } from "../wire";

const LONGEST_GLIDE_MS = 1_500;
const SHORTEST_GLIDE_MS = 250;
/** Farther than this is not a walk of a second: show the jump as a jump. */
const LONGEST_GLIDE_M = 60;

interface Shown {
  lat: number;
  lng: number;
  radius68: number;
  radius95: number;
}

export interface Look {
  colour: number;
  sos: boolean;
  /** Whether the line to the hub stands; without it nothing on the map is of now. */
  live: boolean;
}

export class CarrierLayer {
  private readonly marker: L.Marker;
  private readonly inner: L.Circle;
  private readonly outer: L.Circle;
  private readonly icon = document.createElement("div");
  private readonly name = document.createElement("span");
  private readonly note = document.createElement("span");
  private shown: Shown | null = null;
  private frame = 0;
  private updatedMs = 0;

  constructor(
    private readonly map: L.Map,
    renderer: L.Renderer,
    onPick: () => void,
    private readonly onGlide: (at: L.LatLng) => void,
  ) {
    const dot = document.createElement("span");
    const pill = document.createElement("span");
    dot.className = "pin-dot";
    pill.className = "pin-name";
    this.note.className = "pin-note";
    pill.append(this.name, this.note);
    this.icon.append(dot, pill);
    const icon = L.divIcon({ html: this.icon, className: "pin-holder", iconSize: [0, 0] });
    this.marker = L.marker([0, 0], { icon, keyboard: false, pane: "carriers" }).on("click", onPick);
    const circle = { renderer, pane: "circles", interactive: false, radius: 1 };
    this.outer = L.circle([0, 0], { ...circle, className: "circle95" });
    this.inner = L.circle([0, 0], { ...circle, className: "circle68" });
  }

  update({ name, feature, heardAt }: Watched, look: Look): void {
    if (!feature) return;
    const { presence } = feature.properties;
    const lost = presence === "silent" || presence === "out_of_coverage";
    const target = shownOf(feature);
    if (!this.shown) this.appear(target);
    else this.glide(target);
    this.name.textContent = look.sos ? `SOS ${name}` : name;
    this.note.textContent = lost && heardAt !== null ? hourMinute(heardAt) : "";
    const state = [`c${look.colour}`, lost ? "is-lost" : `is-${presence}`];
    if (look.sos) state.push("is-sos");
    if (!look.live) state.push("is-old");
    this.icon.className = ["pin", ...state].join(" ");
    this.inner.getElement()?.setAttribute("class", ["circle68", ...state].join(" "));
    this.outer.getElement()?.setAttribute("class", ["circle95", ...state].join(" "));
    this.marker.setZIndexOffset(look.sos ? 1000 : 0);
  }

  /** The ground within which the carrier is with 95 %; null before the first position. */
  bounds(): L.LatLngBounds | null {
    if (!this.shown) return null;
    return L.latLng(this.shown.lat, this.shown.lng).toBounds(2 * this.shown.radius95);
  }

  remove(): void {
    cancelAnimationFrame(this.frame);
    for (const layer of [this.marker, this.inner, this.outer]) layer.remove();
  }

  private appear(at: Shown): void {
    for (const layer of [this.outer, this.inner, this.marker]) layer.addTo(this.map);
    this.place(at);
    this.updatedMs = performance.now();
  }

  private glide(to: Shown): void {
    const from = this.shown;
    if (!from || same(from, to)) return;
    const startMs = performance.now();
    const sinceMs = startMs - this.updatedMs;
    this.updatedMs = startMs;
    cancelAnimationFrame(this.frame);
    const jump = this.map.distance(from, to) > LONGEST_GLIDE_M;
    if (jump || document.hidden || matchMedia("(prefers-reduced-motion: reduce)").matches) {
      this.place(to);
      return;
    }
    const lastsMs = Math.min(Math.max(sinceMs, SHORTEST_GLIDE_MS), LONGEST_GLIDE_MS);
    const step = (nowMs: number): void => {
      const part = Math.min(Math.max((nowMs - startMs) / lastsMs, 0), 1);
      this.place(between(from, to, part));
      if (part < 1) this.frame = requestAnimationFrame(step);
    };
    this.frame = requestAnimationFrame(step);
  }

  private place(at: Shown): void {
    this.shown = at;
    const here = L.latLng(at.lat, at.lng);
    this.marker.setLatLng(here);
    this.inner.setLatLng(here).setRadius(at.radius68);
    this.outer.setLatLng(here).setRadius(at.radius95);
    this.onGlide(here);
  }
}

function shownOf({ geometry, properties }: PositionFeature): Shown {
  const [lng = 0, lat = 0] = geometry.coordinates;
  return { lat, lng, radius68: properties.radius68_m, radius95: properties.radius95_m };
}

function between(from: Shown, to: Shown, part: number): Shown {
  const mix = (a: number, b: number): number => a + (b - a) * part;
  return {
    lat: mix(from.lat, to.lat),
    lng: mix(from.lng, to.lng),
    radius68: mix(from.radius68, to.radius68),
    radius95: mix(from.radius95, to.radius95),
  };
}

function same(a: Shown, b: Shown): boolean {
  return a.lat === b.lat && a.lng === b.lng && a.radius68 === b.radius68 && a.radius95 === b.radius95;
}
