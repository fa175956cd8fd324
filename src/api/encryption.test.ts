import { describe, expect, it } from "vitest";
import { swarm } from "../../test/support/docker";
import { startHere } from "../../test/support/lab";
import { NO_TSHARK, tsharkFields } from "../../test/support/tshark";
import type { FlowSummary } from "../observe/summary";

const secure = swarm("prod")
  .underlay({ delay: "50us" })
  .node("m1")
  .node("w1")
  .overlay("sec", { attachable: true, encrypted: true })
  .container("web", { node: "w1", networks: ["sec"] })
  .container("client", { node: "m1", networks: ["sec"] })
  .traffic("queries", "client")
  .to("web:7777/udp")
  .request({ size: 300, response: 900, think: "4ms" });

/** Without gossip, which is on the cable beside what is encrypted. */
const start = () => startHere(() => secure.compile(), { gossip: false });
const numbers = (flows: readonly FlowSummary[]) => flows.map(({ name, sent, answered }) => ({ name, sent, answered }));

describe("an encrypted overlay network", () => {
  it("carries what is asked and answered, and on the cable there is only ESP", async () => {
    const lab = await start();
    const capture = lab.capture({ at: ["m1:eth0"] });
    const { flows, drops } = await lab.run({ for: "500ms" });
    const sent = flows[0]!.sent;
    expect(sent).toBeGreaterThan(100);
    expect(numbers(flows)).toEqual([{ name: "queries", sent, answered: sent }]);
    expect(drops.filter(({ reason }) => reason.startsWith("Xfrm") || reason === "NetfilterDrop")).toEqual([]);
    const protocols = (await capture.frames()).filter(({ bytes }) => bytes[12] === 8 && bytes[13] === 0).map(({ bytes }) => bytes[23]);
    expect(new Set(protocols)).toEqual(new Set([50]));
    expect(protocols).toHaveLength(2 * sent);
  });

  it("is opened by tshark with the keys of the lab, also after rotations", async (context) => {
    const lab = await start();
    const [cable, inside] = [lab.capture({ at: ["m1:eth0"] }), lab.capture({ at: ["client:eth0"] })];
    for (let round = 0; round < 5; round++) {
      await lab.run({ for: "100ms" });
      await lab.rotateKeys();
    }
    const keys = await lab.ipsecKeys();
    // The last of the packets inside each other is the one of the container.
    const innermost = (lines: readonly string[]) => lines.map((line) => line.split("|").map((field) => field.split(",").at(-1)).join(" "));
    const fields = ["eth.src", "ip.src", "ip.dst", "ip.id", "udp.srcport", "udp.dstport", "udp.checksum", "data.data"];
    const opened = tsharkFields(await cable.bytes(), fields, ...keys.tshark(), "-Y", "vxlan.vni == 4097 && udp.port == 7777");
    const plain = tsharkFields(await inside.bytes(), fields, "-Y", "udp.port == 7777");
    if (opened === undefined || plain === undefined) return context.skip(NO_TSHARK);
    expect(opened.length).toBeGreaterThanOrEqual(200);
    expect(innermost(opened)).toEqual(plain.map((line) => line.replaceAll("|", " ")));
    expect(new Set(keys.filter(({ from }) => from === "m1").map(({ spi }) => spi)).size).toBe(8);
  });

  it("loses no packet in a rotation", async () => {
    const stream = secure.traffic("stream", "client").to("web:6000/udp").rate("5000/s").size("700B").count(700);
    const lab = await startHere(() => stream.compile());
    const capture = lab.capture({ at: ["w1:eth0"] });
    for (let round = 0; round < 5; round++) {
      await lab.run({ for: "13700us" });
      await lab.rotateKeys();
    }
    for (let round = 0; round < 5; round++) lab.at(`${80 + 10 * round}ms`).rotateKeys();
    const { flows, drops } = await lab.run({ for: "100ms" });
    expect(drops.filter(({ reason }) => reason.startsWith("Xfrm"))).toEqual([]);
    expect(flows.find(({ name }) => name === "stream")).toMatchObject({ sent: 700, delivered: 700 });
    const spis = (await capture.frames()).filter(({ bytes }) => bytes[23] === 50).map(({ bytes }) => [...bytes.subarray(26, 38)].join("."));
    // Ten rotations, two directions.
    expect(new Set(spis).size).toBe(22);
  });
});
