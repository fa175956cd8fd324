import { describe, expect, it } from "vitest";
import { docker, swarm } from "../../test/support/docker";
import { createTsEngine } from "../engine/ts/index";
import { renderEncryptionCost } from "../report/encryption-cost";
import { EngineSession } from "../worker/session";
import { compareEncryption, type EncryptionCostOptions } from "./encryption-cost";

const platform = { openHost: async () => new EngineSession(createTsEngine()), createEngine: async () => createTsEngine() };
const prod = swarm("prod")
  .underlay({ delay: "50us" })
  .node("m1")
  .node("w1")
  .overlay("back", { attachable: true })
  .overlay("other", { attachable: true, encrypted: true })
  .container("web", { node: "w1", networks: ["back"] })
  .container("client", { node: "m1", networks: ["back"] })
  .traffic("stream", "client")
  .to("web:7000/udp")
  .rate("1000/s")
  .size("1000B");

const compare = (options: Partial<EncryptionCostOptions> = {}) => compareEncryption(prod.spec, { for: "200ms", seed: 1, ...options }, platform);

describe("the comparison of plain and encrypted overlay networks", () => {
  it("runs one workload twice, and says what is more and what is less", async () => {
    const cost = await compare();
    const { plain, encrypted } = cost;
    expect(cost).toMatchObject({ networks: ["back", "other"], seed: 1, engine: "ts", durationNs: 200e6, cipher: { source: "model", nsPerByte: 0.5 } });
    expect([plain.mtu, encrypted.mtu]).toEqual([{ back: 1450, other: 1450 }, { back: 1424, other: 1424 }]);
    expect([plain.dropped, encrypted.dropped]).toEqual([plain.dropped, plain.dropped]);
    expect(encrypted.goodputBitsPerSecond).toBe(plain.goodputBitsPerSecond);
    expect(encrypted.wire.packets).toBe(plain.wire.packets);
    // 1,000 bytes of payload: 1,058 behind the outer IP header, no pad; ARP frames stay as they are.
    const sealed = Math.round((encrypted.wire.bytes - plain.wire.bytes) / 26);
    expect(encrypted.wire.bytes - plain.wire.bytes).toBe(26 * sealed);
    expect(sealed).toBeGreaterThanOrEqual(199);
    const [before, after] = [plain.traffic[0]!, encrypted.traffic[0]!];
    expect([before.lost, after.lost]).toEqual([0, 0]);
    expect(after.latency.p50).toBeGreaterThan(before.latency.p50 + 2 * 425);
    expect(encrypted.cpuNsPerMessage - plain.cpuNsPerMessage).toBeGreaterThan(2 * (425 + 530));
    expect(encrypted.hosts.map(({ name }) => name)).toEqual(["m1", "w1"]);
    expect(encrypted.hosts.every(({ load }, index) => load > plain.hosts[index]!.load)).toBe(true);
  });

  it("is repeatable, real time apart, and costs what the cipher is said to cost", async () => {
    const strip = ({ plain, encrypted, ...rest }: Awaited<ReturnType<typeof compare>>) => ({ ...rest, plain: { ...plain, elapsedMs: 0 }, encrypted: { ...encrypted, elapsedMs: 0 } });
    const [one, other] = [await compare({ networks: ["back"] }), await compare({ networks: ["back"] })];
    expect(strip(one)).toEqual(strip(other));
    expect(one.encrypted.mtu).toEqual({ back: 1424 });
    const measured = await compare({ cipher: "measured" });
    expect(measured.cipher).toMatchObject({ source: "measured" });
    expect(measured.cipher.nsPerByte).toBeGreaterThan(0);
    expect(measured.encrypted.cpuNsPerMessage).not.toBe(one.encrypted.cpuNsPerMessage);
  });

  it("reads as a table", async () => {
    const text = renderEncryptionCost(await compare({ networks: ["back"] }));
    expect(text).toContain("What encryption costs: 1 overlay network (back)");
    expect(text).toMatch(/MTU inside back +1450 +1424 +-26/);
    expect(text).toMatch(/CPU of m1 +[\d.]+ % +[\d.]+ % +\+[\d.]+ pp/);
    expect(text).toMatch(/stream from client/);
  });

  it("is refused where nothing can be encrypted", async () => {
    await expect(compareEncryption(docker("shop").container("web").spec, { for: "1s" }, platform)).rejects.toThrow("expected an overlay network between the nodes of a swarm, found none");
    await expect(compare({ networks: ["front"] })).rejects.toThrow('networks: expected one of back, other, found "front"');
    await expect(compare({ for: "0s" })).rejects.toThrow("for: expected a duration above 0");
  });
});
