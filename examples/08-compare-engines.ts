/**
 * The two packet engines on one network: first whether they agree on every delivery and drop, then how fast each is. A faster
 * engine that disagrees would not be a result.
 *
 * npm run example -- 08
 */
import { compareEngines, docker } from "dockwire";

const names = Array.from({ length: 8 }, (_, index) => `c${index}`);
let ring = docker("ring", { cpus: 8 }).network("lan");
for (const name of names) ring = ring.container(name, { networks: ["lan"] });
for (const [index, name] of names.entries()) {
  const next = names[(index + 1) % names.length] ?? name;
  ring = ring.traffic(`from-${name}`, name).to(`${next}:9000/udp`).rate("50kpps").size(64);
}

const comparison = await compareEngines(ring, { engines: ["wasm", "ts"], seed: 8, for: "200ms" });
if (!comparison.identical) throw new Error(`the engines part ways at event ${comparison.firstDivergence?.index}`);
console.log("the same deliveries and drops in both engines");
console.table(comparison.table());
