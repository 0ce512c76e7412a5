// The Leaflet map as one thing: the plan, the carriers, their ways, and whom the view follows.
import L from "leaflet";
import type { Watched } from "../town.svelte";
import type { Plan } from "../wire";
import { CarrierLayer } from "./carrierLayer";
import { PlanLayer } from "./planLayer";
import { TrailLayer } from "./trailLayer";

const NEAR_ZOOM = 18;
const COLOURS = 4;

export interface Scene {
  watched: Watched[];
  sos: Set<string>;
  live: boolean;
}

interface Drawn {
  carrier: CarrierLayer;
  trail: TrailLayer;
}

export class TownView {
  private readonly map: L.Map;
  private readonly plan: PlanLayer;
  private readonly circles: L.Renderer;
  private readonly trails: L.Renderer;
  private readonly drawn = new Map<string, Drawn>();
  private followed: string | null = null;
  private framed = false;

  constructor(
    element: HTMLElement,
    plan: Plan,
    private readonly onFollow: (carrier: string | null) => void,
  ) {
    this.map = L.map(element, {
      zoomControl: false,
      attributionControl: false,
      zoomSnap: 0.25,
      wheelPxPerZoomLevel: 120,
      maxZoom: 21,
    });
    for (const [index, pane] of ["trails", "circles", "carriers"].entries()) {
      this.map.createPane(pane).style.zIndex = String(410 + index * 10);
    }
    this.trails = L.svg({ pane: "trails", padding: 0.5 });
    this.circles = L.svg({ pane: "circles", padding: 0.5 });
    this.plan = new PlanLayer(this.map, plan);
    this.showAll(false);
    this.map.setMinZoom(this.map.getZoom() - 1);
    L.control.scale({ imperial: false, position: "bottomleft" }).addTo(this.map);
    this.map.on("dragstart", () => this.follow(null));
  }

  update({ watched, sos, live }: Scene): void {
    for (const [index, one] of watched.entries()) {
      const { carrier, trail } = this.layersOf(one.id, index % COLOURS);
      carrier.update(one, { colour: index % COLOURS, sos: sos.has(one.id), live });
      trail.update(one.trail, one.doubts);
    }
    for (const [id, { carrier, trail }] of this.drawn) {
      if (watched.some((one) => one.id === id)) continue;
      carrier.remove();
      trail.remove();
      this.drawn.delete(id);
    }
    this.frameOnce(watched);
  }

  /** Keep `carrier` in the middle until the reader drags the map. */
  follow(carrier: string | null): void {
    if (carrier === this.followed) return;
    this.followed = carrier;
    this.onFollow(carrier);
    const bounds = carrier ? this.drawn.get(carrier)?.carrier.bounds() : null;
    if (!bounds) return;
    const zoom = Math.min(this.map.getBoundsZoom(bounds), NEAR_ZOOM);
    this.map.setView(bounds.getCenter(), zoom);
  }

  showAll(animate = true): void {
    this.follow(null);
    const bounds = this.plan.bounds();
    if (bounds.isValid()) this.map.fitBounds(bounds, { padding: [8, 8], animate });
  }

  zoom(by: number): void {
    this.map.setZoom(this.map.getZoom() + by);
  }

  relabel(): void {
    this.plan.relabel();
    for (const { trail } of this.drawn.values()) trail.relabel();
  }

  resized(): void {
    this.map.invalidateSize({ animate: false });
  }

  remove(): void {
    for (const { carrier } of this.drawn.values()) carrier.remove();
    this.map.remove();
  }

  private layersOf(id: string, colour: number): Drawn {
    const known = this.drawn.get(id);
    if (known) return known;
    const trail = new TrailLayer(this.map, this.trails, colour);
    const carrier = new CarrierLayer(
      this.map,
      this.circles,
      () => this.follow(id),
      (at) => this.keepInView(id, at),
    );
    const made = { carrier, trail };
    this.drawn.set(id, made);
    return made;
  }

  private keepInView(id: string, at: L.LatLng): void {
    if (id !== this.followed) return;
    const size = this.map.getSize();
    const off = this.map.latLngToContainerPoint(at).subtract(size.divideBy(2));
    if (Math.abs(off.x) > size.x / 5 || Math.abs(off.y) > size.y / 5) {
      this.map.panTo(at, { animate: true, duration: 0.8 });
    }
  }

  /** The first look: the one carrier near by, or all of them together. */
  private frameOnce(watched: Watched[]): void {
    if (this.framed || this.drawn.size === 0) return;
    this.framed = true;
    const [only] = watched;
    if (only && watched.length === 1) {
      this.follow(only.id);
      return;
    }
    const all = [...this.drawn.values()].flatMap(({ carrier }) => carrier.bounds() ?? []);
    const together = all.reduce((sum, one) => sum.extend(one), L.latLngBounds([]));
    if (together.isValid()) {
      this.map.fitBounds(together.pad(0.2), { maxZoom: NEAR_ZOOM, animate: false });
    }
  }
}

