/**
 * A run is awaitable and iterable. It works in a worker, so this thread is free meanwhile; an `AbortSignal` ends it early, and it
 * can go on from there. In a worker or not, the same seed gives the same packets.
 *
 * npm run example -- 05
 */
import { docker, SimulationError } from "dockwire";

const busy = docker("busy")
  .network("lan")
  .container("left", { networks: ["lan"] })
  .container("right", { networks: ["lan"] })
  .traffic("flood", "left").to("right:9000/udp").rate("100kpps").size(64)
  .traffic("back", "right").to("left:9000/udp").poisson("50kpps").size(64);

await using lab = await busy.start({ seed: 5 });

const run = lab.run({ for: "5s" });
for await (const { now, packets, packetsPerSecond } of run) {
  console.log(`${(now / 1e9).toFixed(2)} s virtual, ${packets} packets, ${Math.round(packetsPerSecond / 1000)} thousand a second of real time`);
}
const { digest, elapsedMs, place } = await run;
console.log(`5 s of virtual time in ${Math.round(elapsedMs)} ms of real time, in a ${place}: digest ${digest}`);

// The same without a worker.
await using other = await busy.start({ seed: 5, inThread: true });
const again = await other.run({ for: "5s" });
console.log(`in this ${again.place}: ${again.digest === digest ? "the same digest" : "a different digest"}`);

// Ten hours of virtual time, given up after 200 ms of real time.
try {
  await lab.run({ for: "10h", signal: AbortSignal.timeout(200) });
} catch (error) {
  if (!(error instanceof SimulationError) || error.code !== "ABORTED") throw error;
  console.log(`aborted at ${(lab.now / 1e9).toFixed(1)} s of virtual time; the lab is still there`);
}
