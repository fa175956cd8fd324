/**
 * A capture from every vantage point, and the way of one packet hop by hop. The file opens in Wireshark and tshark: an
 * interface for each device, nanosecond times, and why a frame was dropped as its comment.
 *
 * npm run example -- 04
 */
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { docker } from "dockwire";

const pair = docker("watched")
  .network("lan")
  .container("client", { networks: ["lan"] })
  .container("server", { networks: ["lan"] })
  .traffic("hello", "client").to("server:80/tcp").request({ size: 80, response: 200 }).count(1)
  .traffic("news", "client").to("server:514/udp").rate("100/s").size(20).during("50ms");

await using lab = await pair.start({ seed: 4 });
const capture = lab.capture({ at: "all", snaplen: 256 });
const trace = lab.trace("news");
await lab.run({ for: "55ms" });
await lab.down("server:eth0");
await lab.run({ for: "10ms" });

for (const frame of (await capture.frames()).filter(({ device }) => device.endsWith(":eth0"))) {
  const arrow = frame.direction === "outbound" ? "→" : "←";
  const fate = frame.dropped === undefined ? "" : `  dropped: ${frame.dropped.reason} at ${frame.dropped.node}`;
  console.log(`${(frame.timeNs / 1e3).toFixed(3).padStart(10)} µs  ${frame.device} ${arrow}  ${String(frame.length).padStart(4)} bytes${fate}`);
}
console.log(`\n${await trace.text()}\n`);

const file = join(tmpdir(), "dockwire-example.pcapng");
await writeFile(file, await capture.bytes());
console.log(`written: ${file}`);
