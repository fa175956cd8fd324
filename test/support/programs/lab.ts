/**
 * A process of its own, for what can only be seen from outside: does it end by itself? Each line that it prints is a fact.
 *
 * Usage: node lab.mjs forget | hold | dispose | memory, then the engine and the place as JSON
 */
import { docker } from "../../../src/targets/node";

const [scene = "", json = "{}"] = process.argv.slice(2);
const pair = docker("pair")
  .network("lan")
  .container("web", { networks: ["lan"] })
  .container("db", { networks: ["lan"] })
  .traffic("flow", "web").to("db:9000/udp").rate("100kpps").size(64);

const lab = await pair.start(JSON.parse(json));

const scenes: Record<string, () => Promise<void>> = {
  /** Nobody disposes of the lab, and nobody waits for anything. */
  forget: async () => {
    const { packets } = await lab.run({ for: "10ms" });
    console.log(`packets ${packets}`);
  },
  /** Nothing but the open call holds the process. */
  hold: async () => {
    void lab.run({ for: "2s" }).then(({ packets }) => console.log(`packets ${packets}`));
  },
  dispose: async () => {
    await lab.run({ for: "10ms" });
    await lab.dispose();
    const left = process.getActiveResourcesInfo().filter((name) => /worker|port/i.test(name));
    console.log(`left ${left.join(" ") || "nothing"}`);
  },
  /** Bytes that are reachable in this thread after each of many runs. */
  memory: async () => {
    const reachable = (): number => {
      globalThis.gc?.();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return heapUsed + arrayBuffers;
    };
    const sizes: number[] = [];
    for (let run = 0; run < 50; run++) {
      for await (const _ of lab.run({ for: "20ms" }));
      sizes.push(reachable());
    }
    // The smallest of ten: what happens to be alive between two collections says nothing.
    console.log(`growth ${Math.min(...sizes.slice(40)) - Math.min(...sizes.slice(10, 20))}`);
    await lab.dispose();
  },
};

await scenes[scene]?.();
