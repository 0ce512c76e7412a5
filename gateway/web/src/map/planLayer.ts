// The town plan from GeoJSON alone. Colours and widths are the style sheet's (plan.css).
import L from "leaflet";
import { say } from "../language.svelte";
import { nameOf } from "../plan";
import type { Plan, PlanFeature, PlanProperties } from "../wire";

/** From below to above. A street is the strip between its pavements, and under the lots beside it. */
const ORDER: { drawn: string; kind: string; route?: string }[] = [
  { drawn: "street", kind: "path" },
  { drawn: "area", kind: "area" },
  { drawn: "lot", kind: "lot" },
  { drawn: "zone", kind: "zone" },
  { drawn: "path", kind: "path" },
  { drawn: "school-route", kind: "path", route: "school" },
  { drawn: "lamp", kind: "lamp" },
  { drawn: "shelter", kind: "shelter" },
];
const WIDE_ZONES = ["section", "home_block"];

interface Label {
  tooltip: L.Tooltip;
  properties: PlanProperties;
}

export class PlanLayer {
  private readonly group: L.GeoJSON;
  private readonly labels: Label[] = [];

  constructor(
    private readonly map: L.Map,
    plan: Plan,
  ) {
    map.createPane("plan").style.zIndex = "300";
    map.createPane("plan-labels").style.zIndex = "350";
    const renderer = L.svg({ pane: "plan", padding: 0.5 });
    this.group = L.geoJSON(undefined, { pane: "plan" });
    for (const { drawn, kind, route } of ORDER) {
      L.geoJSON(plan, {
        pane: "plan",
        filter: ({ properties }: PlanFeature) =>
          properties.kind === kind && (!route || properties.route === route),
        style: (feature) => ({
          renderer,
          className: classes(drawn, (feature as PlanFeature | undefined)?.properties ?? { kind }),
          interactive: false,
        }),
        pointToLayer: ({ properties }: PlanFeature, at) => this.point(drawn, properties, at, renderer),
      } as L.GeoJSONOptions<PlanProperties>).eachLayer((layer) => this.group.addLayer(layer));
    }
    this.label(plan);
    this.group.addTo(map);
    map.on("zoomend", this.onZoom);
    map.whenReady(this.onZoom);
  }

  bounds(): L.LatLngBounds {
    return this.group.getBounds();
  }

  /** Write the names again, in the language that the reader uses now. */
  relabel(): void {
    for (const { tooltip, properties } of this.labels) tooltip.setContent(labelText(properties));
    this.untangle();
  }

  private point(
    drawn: string,
    properties: PlanProperties,
    at: L.LatLng,
    renderer: L.Renderer,
  ): L.Layer {
    if (drawn === "shelter") this.write(properties, at);
    return L.circleMarker(at, {
      pane: "plan",
      renderer,
      radius: drawn === "shelter" ? 5 : 2,
      className: `plan-${drawn}`,
      interactive: false,
    });
  }

  /** Places first, whole blocks and sections last; where names would overlap, the earlier stays. */
  private label(plan: Plan): void {
    const named = plan.features
      .filter(({ properties }) => properties.kind === "zone" || properties.kind === "area")
      .filter(({ properties }) => nameOf(properties) !== "")
      .map((feature) => ({ feature, bounds: L.geoJSON(feature).getBounds() }))
      .sort((a, b) => rank(b.feature, b.bounds) - rank(a.feature, a.bounds));
    const written = new Set<string>();
    for (const { feature, bounds } of named) {
      const name = nameOf(feature.properties);
      if (!written.has(name)) this.write(feature.properties, bounds.getCenter());
      written.add(name);
    }
  }

  private write(properties: PlanProperties, at: L.LatLng): void {
    const tooltip = L.tooltip({
      permanent: true,
      direction: properties.kind === "shelter" ? "bottom" : "center",
      pane: "plan-labels",
      className: `plan-label ${classes(`label-${properties.kind}`, properties)}`,
      opacity: 1,
    });
    tooltip.setLatLng(at).setContent(labelText(properties));
    this.labels.push({ tooltip, properties });
    this.map.addLayer(tooltip);
  }

  private readonly onZoom = (): void => {
    const middle = this.map.getCenter();
    const pixels = this.map.latLngToLayerPoint(middle);
    const east = this.map.layerPointToLatLng(pixels.add([100, 0]));
    const pixelsPerMetre = 100 / this.map.distance(middle, east);
    this.map.getContainer().style.setProperty("--metre", `${pixelsPerMetre.toFixed(3)}px`);
    this.map.getContainer().classList.toggle("is-near", pixelsPerMetre > 1.5);
    this.untangle();
  };

  private untangle(): void {
    const taken: L.Bounds[] = [];
    for (const { tooltip } of this.labels) {
      const element = tooltip.getElement();
      const at = tooltip.getLatLng();
      if (!element || !at) continue;
      const half = L.point(element.offsetWidth / 2 + 2, element.offsetHeight / 2 + 1);
      const middle = this.map.latLngToLayerPoint(at);
      const box = L.bounds(middle.subtract(half), middle.add(half));
      element.classList.remove("is-hidden");
      if (getComputedStyle(element).visibility === "hidden") continue;
      const crowded = taken.some((other) => other.overlaps(box));
      element.classList.toggle("is-hidden", crowded);
      if (!crowded) taken.push(box);
    }
  }
}

function rank({ properties }: PlanFeature, bounds: L.LatLngBounds): number {
  const size = bounds.getNorthEast().distanceTo(bounds.getSouthWest());
  if (WIDE_ZONES.includes(properties.use ?? "")) return size - 1e9;
  return properties.kind === "zone" ? size + 1e9 : size;
}

function labelText(properties: PlanProperties): HTMLElement {
  const span = document.createElement("span");
  span.textContent = nameOf(properties) || (properties.kind === "shelter" ? say("shelter") : "");
  return span;
}

function classes(drawn: string, properties: PlanProperties): string {
  const use = (properties.use ?? "").replace(/[^A-Za-z0-9_-]/g, "");
  return use ? `plan-${drawn} use-${use}` : `plan-${drawn}`;
}
