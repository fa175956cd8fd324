import type { RunResult, TopologyDescription } from "dockwire";

const SVG = "http://www.w3.org/2000/svg";
const COLORS = ["var(--front)", "var(--back)"];
const BOX = { width: 164, height: 64 };
const TOP = 112;
/** The first bridge is above the containers, the second below: no cable crosses a bridge. */
const BAR_Y = [44, 244];

interface Point {
  readonly x: number;
  readonly y: number;
}

interface Wire {
  readonly device: string;
  /** From the container to its bridge. */
  readonly from: Point;
  readonly to: Point;
  readonly color: string;
  readonly line: SVGElement;
  seen: number;
  /** Frames that are on their way to be drawn: position from 0 to 1, and which way. */
  dots: { at: number; readonly isUp: boolean; readonly circle: SVGElement }[];
}

/** Containers above, bridges as bars below, and a dot for some of the frames on every cable. */
export class Picture {
  readonly #svg: SVGSVGElement;
  readonly #wires: Wire[] = [];
  readonly #counters = new Map<string, SVGElement>();

  constructor(svg: SVGSVGElement, { containers, networks }: TopologyDescription) {
    this.#svg = svg;
    const gap = 1000 / containers.length;
    const bridges = networks.filter(({ name }) => containers.some((container) => container.networks.some(({ network }) => network === name)));
    for (const [index, network] of bridges.entries()) this.#bridge(network.name, `${network.bridge}  ${network.subnet}`, BAR_Y[index] ?? 0, COLORS[index] ?? "");
    for (const [index, container] of containers.entries()) {
      const x = gap * (index + 0.5);
      for (const endpoint of container.networks) {
        const bridge = bridges.findIndex(({ name }) => name === endpoint.network);
        const y = BAR_Y[bridge] ?? 0;
        const from = { x, y: y < TOP ? TOP : TOP + BOX.height };
        const to = { x, y };
        const color = COLORS[bridge] ?? "";
        const line = this.#add("line", { x1: from.x, y1: from.y, x2: to.x, y2: to.y, stroke: "var(--wire)", "stroke-width": 2 });
        this.#wires.push({ device: endpoint.device, from, to, color, line, seen: 0, dots: [] });
      }
      const left = x - BOX.width / 2;
      this.#add("rect", { x: left, y: TOP, ...BOX, rx: 10, fill: "var(--panel)", stroke: "var(--edge)", "stroke-width": 1.5 });
      this.#text(x, TOP + 24, container.name, { "font-weight": 600, "text-anchor": "middle" });
      this.#text(x, TOP + 41, container.networks.map(({ ipv4 }) => ipv4).join("  "), { class: "quiet", "text-anchor": "middle" });
      this.#counters.set(container.name, this.#text(x, TOP + 56, "", { class: "quiet", "text-anchor": "middle" }));
    }
  }

  draw({ devices }: RunResult): void {
    for (const [name, counter] of this.#counters) {
      const frames = devices.filter((device) => device.name.startsWith(`${name}:eth`)).reduce((sum, device) => sum + device.rxPackets + device.txPackets, 0);
      counter.textContent = `${frames.toLocaleString("en")} frames`;
    }
    for (const wire of this.#wires) {
      const device = devices.find(({ name }) => name === wire.device);
      const frames = (device?.rxPackets ?? 0) + (device?.txPackets ?? 0);
      const fresh = frames - wire.seen;
      wire.seen = frames;
      wire.line.setAttribute("stroke", fresh > 0 ? wire.color : "var(--wire)");
      wire.line.setAttribute("stroke-opacity", fresh > 0 ? "0.45" : "1");
      // As many dots as a cable has room for: they show where frames go, the counters how many.
      const isUp = wire.dots.length % 2 === 0;
      if (fresh > 0 && wire.dots.every(({ at }) => at > 0.22)) {
        wire.dots.push({ at: 0, isUp, circle: this.#add("circle", { r: 4, fill: wire.color }) });
      }
      this.#move(wire);
    }
  }

  #move(wire: Wire): void {
    for (const dot of wire.dots) {
      dot.at += 0.045;
      const share = dot.isUp ? 1 - dot.at : dot.at;
      dot.circle.setAttribute("cx", String(wire.from.x + (wire.to.x - wire.from.x) * share));
      dot.circle.setAttribute("cy", String(wire.from.y + (wire.to.y - wire.from.y) * share));
      if (dot.at >= 1) dot.circle.remove();
    }
    wire.dots = wire.dots.filter(({ at }) => at < 1);
  }

  #bridge(name: string, label: string, y: number, color: string): void {
    this.#add("rect", { x: 20, y: y - 5, width: 960, height: 10, rx: 5, fill: color, "fill-opacity": 0.8 });
    const below = y < TOP ? -16 : 26;
    this.#text(24, y + below, name, { "font-weight": 600, style: `fill: ${color}` });
    this.#text(976, y + below, label, { class: "quiet", "text-anchor": "end" });
  }

  #text(x: number, y: number, content: string, attributes: Record<string, string | number>): SVGElement {
    const text = this.#add("text", { x, y, "font-size": 15, ...attributes });
    text.textContent = content;
    return text;
  }

  #add(name: string, attributes: Record<string, string | number>): SVGElement {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
    return this.#svg.appendChild(element);
  }
}
