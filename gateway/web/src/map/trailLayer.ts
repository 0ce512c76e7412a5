// Today's way: a line for each unbroken stretch, an open ring where one ends without the next.
import L from "leaflet";
import { say } from "../language.svelte";
import { hourMinute } from "../times";
import { doubted, gapsOf, type Gap, type Stretch, type TrailPoint } from "../trail";

interface Line {
  stretch: Stretch;
  /** The halo and the line over it. */
  layers: L.Polyline[];
}

export class TrailLayer {
  private readonly lines: Line[] = [];
  private readonly rings = L.layerGroup();
  private readonly doubted = L.layerGroup();
  private trail: Stretch[] = [];
  private doubts: Gap[] = [];

  constructor(
    private readonly map: L.Map,
    private readonly renderer: L.Renderer,
    private readonly colour: number,
  ) {
    this.rings.addTo(map);
    this.doubted.addTo(map);
  }

  /** Draw what has changed: of a day's way, a new second changes only the last stretch. */
  update(trail: Stretch[], doubts: Gap[]): void {
    if (trail === this.trail && doubts === this.doubts) return;
    const flags = doubts.length > 0 || this.doubts.length > 0;
    this.doubts = doubts;
    let holes = trail.length !== this.trail.length;
    this.trail = trail;
    for (const { layers } of this.lines.splice(trail.length)) layers.forEach((one) => one.remove());
    for (const [index, stretch] of trail.entries()) {
      const line = (this.lines[index] ??= { stretch: [], layers: this.newLayers() });
      if (line.stretch === stretch) continue;
      line.stretch = stretch;
      holes ||= index < trail.length - 1;
      for (const layer of line.layers) layer.setLatLngs(stretch.map(({ lat, lon }) => [lat, lon]));
    }
    if (holes || flags) this.relabel();
  }

  /** Draw rings and flags again, in the language that the reader uses now. */
  relabel(): void {
    this.rings.clearLayers();
    this.doubted.clearLayers();
    for (const part of doubted(this.trail, this.doubts)) this.flag(part);
    for (const [index, stretch] of this.trail.entries()) {
      const before = this.trail[index - 1];
      const [gap] = before ? gapsOf([before, stretch]) : [];
      const words = gap
        ? say("routeGap", { from: hourMinute(gap.since), to: hourMinute(gap.until) })
        : null;
      for (const end of [before?.at(-1), stretch[0]]) if (end && words) this.ring(end, words);
    }
  }

  remove(): void {
    for (const { layers } of this.lines) layers.forEach((one) => one.remove());
    this.rings.remove();
    this.doubted.remove();
  }

  private newLayers(): L.Polyline[] {
    return ["trail-edge", "trail"].map((name) =>
      L.polyline([], {
        renderer: this.renderer,
        pane: "trails",
        className: `${name} c${this.colour}`,
        interactive: false,
      }).addTo(this.map),
    );
  }

  private flag(part: Stretch): void {
    L.polyline(
      part.map(({ lat, lon }) => [lat, lon]),
      { renderer: this.renderer, pane: "trails", className: "trail-doubt" },
    )
      .bindTooltip(say("routeDoubted"))
      .addTo(this.doubted);
  }

  private ring({ lat, lon }: TrailPoint, words: string): void {
    L.circleMarker([lat, lon], {
      renderer: this.renderer,
      pane: "trails",
      radius: 5,
      className: `trail-gap c${this.colour}`,
    })
      .bindTooltip(words)
      .addTo(this.rings);
  }
}
