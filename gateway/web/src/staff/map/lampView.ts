// The lamps on the town plan: one sign a lamp, and the picked one in a ring.
import L from "leaflet";
import { PlanLayer } from "../../map/planLayer";
import type { Plan } from "../../wire";
import { isByHand, letterOf, shapeOf, signClass } from "../signs";
import type { Lamp } from "../wire";

const NEAR_ZOOM = 18.5;
const ABOVE = { fault: 2_000, assigned: 1_500, unknown: 1_000, on: 0, off: 0, undriven: -1_000 };
const TARGET_PX = 28;
const FAR_ZOOM = 17;

interface Drawn {
  marker: L.Marker;
  sign: HTMLElement;
  letter: HTMLElement;
}

export class LampView {
  private readonly map: L.Map;
  private readonly plan: PlanLayer;
  private readonly drawn = new Map<string, Drawn>();
  private picked: string | null = null;
  private framed = false;

  constructor(
    element: HTMLElement,
    plan: Plan,
    private readonly onPick: (lamp: string) => void,
  ) {
    this.map = L.map(element, {
      zoomControl: false,
      attributionControl: false,
      zoomSnap: 0.25,
      wheelPxPerZoomLevel: 120,
      maxZoom: 21,
    });
    this.map.createPane("lamps").style.zIndex = "420";
    this.plan = new PlanLayer(this.map, plan);
    this.showAll(false);
    this.map.setMinZoom(this.map.getZoom() - 1);
    this.map.on("zoomend", this.onZoom);
    this.onZoom();
    L.control.scale({ imperial: false, position: "bottomleft" }).addTo(this.map);
  }

  /** Draw `lamps`; those not in `fitting` are faded. */
  update(lamps: Lamp[], fitting: Set<string>, hand: string): void {
    for (const lamp of lamps) {
      const { marker, sign, letter } = this.layerOf(lamp);
      sign.className = signClass(lamp);
      letter.textContent = letterOf(lamp);
      if (isByHand(lamp)) sign.dataset["hand"] = hand;
      else delete sign.dataset["hand"];
      sign.classList.toggle("is-faded", !fitting.has(lamp.lamp));
      marker.setZIndexOffset(ABOVE[shapeOf(lamp)]);
    }
    const here = new Set(lamps.map(({ lamp }) => lamp));
    for (const [id, { marker }] of this.drawn) {
      if (here.has(id)) continue;
      marker.remove();
      this.drawn.delete(id);
    }
    if (!this.framed && lamps.length > 0) {
      this.framed = true;
      this.showAll(false);
    }
    this.ring();
  }

  /** Ring `lamp`, and bring it into sight. */
  pick(lamp: string | null): void {
    this.picked = lamp;
    this.ring();
    const marker = lamp ? this.drawn.get(lamp)?.marker : null;
    if (!marker) return;
    this.map.setView(marker.getLatLng(), Math.max(this.map.getZoom(), NEAR_ZOOM));
  }

  /** All the lamps; the whole plan where there are none. */
  showAll(animate = true): void {
    const places = [...this.drawn.values()].map(({ marker }) => marker.getLatLng());
    const bounds = places.length > 1 ? L.latLngBounds(places) : this.plan.bounds();
    if (bounds.isValid()) this.map.fitBounds(bounds, { padding: [24, 24], animate });
  }

  zoom(by: number): void {
    this.map.setZoom(this.map.getZoom() + by);
  }

  relabel(): void {
    this.plan.relabel();
  }

  resized(): void {
    this.map.invalidateSize({ animate: false });
  }

  remove(): void {
    this.map.remove();
  }

  private readonly onZoom = (): void => {
    this.map.getContainer().classList.toggle("is-far", this.map.getZoom() < FAR_ZOOM);
  };

  private ring(): void {
    for (const [id, { marker }] of this.drawn) {
      marker.getElement()?.classList.toggle("is-picked", id === this.picked);
    }
  }

  private layerOf({ lamp, lat, lon }: Lamp): Drawn {
    const known = this.drawn.get(lamp);
    if (known) return known;
    const sign = document.createElement("span");
    const letter = document.createElement("span");
    sign.append(letter);
    const icon = L.divIcon({
      html: sign,
      className: "lamp-mark",
      iconSize: [TARGET_PX, TARGET_PX],
    });
    // The list beside it has every lamp for the keyboard; here there would be a hundred stops.
    const marker = L.marker([lat, lon], { icon, keyboard: false, pane: "lamps", title: lamp });
    marker.on("click", () => this.onPick(lamp)).addTo(this.map);
    const made = { marker, sign, letter };
    this.drawn.set(lamp, made);
    return made;
  }
}
