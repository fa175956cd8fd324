/**
 * A simulation in a browser: the packets move in a worker, this page only draws what it counts. Serve it with
 * `npm run example:browser`.
 */
import { docker, type RunResult } from "dockwire";
import { Picture } from "./picture";

const shop = docker("shop")
  .network("front", { subnet: "172.20.0.0/24", link: { rate: "1Gbit", delay: "100us" } })
  .network("back", { subnet: "172.21.0.0/24", internal: true, link: { rate: "100Mbit", delay: "200us", jitter: "50us", loss: "0.1%" } })
  .container("db", { networks: ["back"] })
  .container("cache", { networks: ["back"] })
  .container("api", { networks: ["front", "back"] })
  .container("web", { networks: ["front"] })
  .container("proxy", { networks: ["front"], publish: ["8080:80/tcp"] });

/** Virtual time per picture: slow motion, about a tenth of real time. */
const STEP = "2ms";
/** Pictures that a curve goes back. */
const HISTORY = 90;

const element = (id: string) => document.getElementById(id) as HTMLElement;
const count = (value: number) => Math.round(value).toLocaleString("en");
const time = (ns: number) => (ns === 0 ? "-" : ns < 1e6 ? `${(ns / 1e3).toFixed(0)} µs` : `${(ns / 1e6).toFixed(2)} ms`);

async function main(): Promise<void> {
  const lab = await shop.start({ seed: 7 });
  lab.traffic("pages", "proxy").to("web:3000/tcp").request({ size: 400, response: "16k", think: "2ms", clients: 4 });
  lab.traffic("orders", "web").to("api:9000/tcp").request({ size: 400, response: "2k", think: "1ms", clients: 4 });
  lab.traffic("queries", "api").to("db:5432/tcp").request({ size: 200, response: "4k", think: "1ms", clients: 4 });
  lab.traffic("sessions", "api").to("cache:6379/udp").poisson("8kpps").size(128);

  const picture = new Picture(element("picture") as unknown as SVGSVGElement, lab.describe());
  const controls = { isPaused: false, isUnplugged: false };
  element("pause").onclick = () => {
    controls.isPaused = !controls.isPaused;
    element("pause").textContent = controls.isPaused ? "Go on" : "Pause";
  };
  element("unplug").onclick = () => {
    controls.isUnplugged = !controls.isUnplugged;
    element("unplug").textContent = controls.isUnplugged ? "Plug db in" : "Unplug db";
    // Takes effect between two steps, at a virtual time: frames that pass are dropped, and TCP tries again.
    void (controls.isUnplugged ? lab.down("db:eth0") : lab.up("db:eth0"));
  };
  for (;;) {
    await new Promise(requestAnimationFrame);
    if (controls.isPaused) continue;
    draw(await lab.run({ for: STEP }), picture);
  }
}

const speeds: number[] = [];
const curves = new Map<string, { completed: number; fresh: number[] }>();

function draw(result: RunResult, picture: Picture): void {
  speeds.push(result.packetsPerRealSecond);
  if (speeds.length > 50) speeds.shift();
  element("time").textContent = `${(result.now / 1e9).toFixed(3)} s`;
  element("packets").textContent = count(result.totals.delivered);
  element("speed").textContent = count(speeds.reduce((sum, speed) => sum + speed, 0) / speeds.length);
  element("dropped").textContent = count(result.totals.dropped);
  element("digest").textContent = result.digest;
  element("flows").innerHTML = rows(
    ["", "", "complete", "lost", "p50", "p99"],
    result.traffic.map(({ name, from, to, kind, answered, delivered, lost, latency }) => {
      const completed = kind === "request" ? answered : delivered;
      return [`${name} <small>${from} → ${to}</small>`, curve(name, completed), count(completed), count(lost), time(latency.p50), time(latency.p99)];
    }),
  );
  element("drops").innerHTML = rows(["reason", "where", "packets"], result.drops.slice(0, 6).map(({ reason, place, count: packets }) => [reason, place, count(packets)]));
  picture.draw(result);
}

/** Completed messages per picture, as a small curve. */
function curve(name: string, completed: number): string {
  const known = curves.get(name) ?? { completed: 0, fresh: [] };
  const fresh = [...known.fresh, completed - known.completed].slice(-HISTORY);
  curves.set(name, { completed, fresh });
  const top = Math.max(...fresh, 1);
  const points = fresh.map((value, index) => `${((index / (HISTORY - 1)) * 110).toFixed(1)} ${(20 - (value / top) * 18).toFixed(1)}`);
  return `<svg viewBox="0 0 110 22"><path d="M${points.join("L")}"/></svg>`;
}

function rows(titles: readonly string[], cells: readonly (readonly string[])[]): string {
  const line = (tag: string, values: readonly string[]) => `<tr>${values.map((value) => `<${tag}>${value}</${tag}>`).join("")}</tr>`;
  return line("th", titles) + cells.map((values) => line("td", values)).join("");
}

main().catch((error: unknown) => {
  element("digest").textContent = String(error);
  throw error;
});
