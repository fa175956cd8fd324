import type { DockerTopology, LinkOptions, StartOptions } from "../../src/index";

/** Every combination of engine and thread. */
export const PLACES: readonly (readonly [name: string, options: StartOptions])[] = [
  ["wasm in a worker", {}],
  ["wasm in this thread", { inThread: true }],
  ["ts in a worker", { engine: "ts" }],
  ["ts in this thread", { engine: "ts", inThread: true }],
];

export interface Golden {
  readonly digest: string;
  readonly delivered: number;
  readonly dropped: number;
  /** Captured at two devices. */
  readonly frames: number;
  /** The capture file: its length, and FNV-1a over its bytes. */
  readonly file: string;
  readonly rttAverageNs: number;
  /** Of the first two packets of one flow. */
  readonly hops: number;
}

/** What `goldenTopology` gives in 300 ms at seed 7, in every place, thread and browser. */
export const GOLDEN: Golden = { digest: "8fd308391f6400b9", delivered: 9667, dropped: 76, frames: 10447, file: "6389476 bytes, 692767c8", rttAverageNs: 4122, hops: 94 };

const WAN: LinkOptions = { rate: "50Mbit", delay: "2ms", jitter: "1ms", loss: "1%", duplicate: "0.5%", reorder: "2%", limit: 50 };

/** Something of everything: two networks, links that do all that links can do, UDP, TCP, requests, pings, and drops. */
export function goldenTopology(docker: (name: string) => DockerTopology<never, never>): DockerTopology {
  return docker("golden")
    .network("front", { subnet: "172.20.0.0/24" })
    .network("wan", { subnet: "172.21.0.0/24", link: WAN })
    .container("db", { networks: ["wan"] })
    .container("web", { networks: ["front", "wan"] })
    .container("cache", { networks: ["front"] })
    .traffic("fast", "web").to("cache:9000/udp").poisson("20kpps").size(64)
    .traffic("burst", "cache").to("web:9001/udp").onOff({ rate: "50kpps", on: "2ms", off: "8ms" }).size(1400)
    .traffic("stream", "web").to("db:9002/tcp").rate("2kpps").size(700)
    .traffic("pages", "web").to("db:80/tcp").request({ size: 200, response: "8k", think: "1ms", clients: 4 })
    .traffic("refused", "cache").to("web:81/tcp").request({ think: "5ms" })
    .traffic("large", "db").to("web:9003/udp").rate("100/s").size(4000)
    .traffic("echo", "web").to("db").rate("50/s");
}

/** One run with everything on: a capture, a trace, a ping. */
export async function measureGolden(topology: DockerTopology, options: StartOptions): Promise<Golden> {
  await using lab = await topology.start({ seed: 7, ...options });
  const capture = lab.capture({ at: ["web:eth1", "cache:eth0"] });
  const trace = lab.trace("large", { packets: 2 });
  const ping = await lab.ping("cache", "web", { count: 3, interval: "10ms" });
  const { digest, totals } = await lab.run({ for: `${300_000_000 - lab.now}ns` });
  const traces = await trace.packets();
  return {
    digest,
    delivered: totals.delivered,
    dropped: totals.dropped,
    frames: (await capture.frames()).length,
    file: fingerprint(await capture.bytes()),
    rttAverageNs: ping.rtt?.avg ?? 0,
    hops: traces.reduce((sum, { hops }) => sum + hops.length, 0),
  };
}

function fingerprint(bytes: Uint8Array): string {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return `${bytes.length} bytes, ${hash.toString(16)}`;
}
