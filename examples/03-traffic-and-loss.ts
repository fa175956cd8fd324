/**
 * The same link for UDP and for TCP: 20 Mbit/s, 5 ms each way, and one frame in a hundred is lost. UDP loses messages; TCP
 * delivers all of them, later.
 *
 * npm run example -- 03
 */
import { docker } from "dockwire";

const pair = docker("lossy")
  .network("wan", { link: { rate: "20Mbit", delay: "5ms", loss: "1%" } })
  .container("sender", { networks: ["wan"] })
  .container("receiver", { networks: ["wan"] });

await using lab = await pair.start({ seed: 3 });
lab.traffic("datagrams", "sender").to("receiver:9000/udp").rate("500/s").size(512);
lab.traffic("stream", "sender").to("receiver:9001/tcp").rate("500/s").size(512);
lab.traffic("questions", "sender").to("receiver:9002/tcp").request({ size: 100, response: "8k", clients: 4, think: "20ms" });

const { flows, traffic, drops } = await lab.run({ for: "10s" });

const ms = (ns: number) => `${(ns / 1e6).toFixed(1)} ms`;
console.table(
  traffic.map(({ name, sent, delivered, lost, retransmits, latency }) => {
    return { name, sent, delivered, lost, retransmits, p50: ms(latency.p50), p99: ms(latency.p99), max: ms(latency.max) };
  }),
);
for (const { reason, place, count } of drops) console.log(`${String(count).padStart(5)} packets  ${reason} at ${place}`);
console.log(`${flows.length} flows: "questions" has one for each of its clients`);
