import { describe, expect, it } from "vitest";
import { FDB_AGEING_NS } from "../../../../assembly/abi/limits";
import { containersOnBridge } from "../../../../test/support/program";
import { Kernel } from "../kernel";
import { Fdb } from "./fdb";

function devices() {
  const { draft, bridge, containers } = containersOnBridge(3);
  const kernel = new Kernel(draft.program(), 1);
  const ports = containers.map(({ port }) => kernel.devices[port]);
  return { kernel, bridge: kernel.devices[bridge], ports };
}

describe("the forwarding database", () => {
  it("finds the port where a MAC was seen last", () => {
    const { bridge, ports } = devices();
    const fdb = new Fdb(8);
    fdb.learn(bridge, 0x0242, 5, ports[0], 10);
    expect(fdb.find(bridge, 0x0242, 5, 20)).toBe(ports[0]);
    fdb.learn(bridge, 0x0242, 5, ports[2], 30);
    expect(fdb.find(bridge, 0x0242, 5, 40)).toBe(ports[2]);
    expect(fdb.find(bridge, 0x0242, 6, 40)).toBeNull();
    expect(fdb.find(ports[0], 0x0242, 5, 40)).toBeNull();
  });

  it("forgets a MAC that was not seen for more than 300 s", () => {
    const { bridge, ports } = devices();
    const fdb = new Fdb(8);
    fdb.learn(bridge, 0x0242, 5, ports[0], 10);
    expect(fdb.find(bridge, 0x0242, 5, 10 + FDB_AGEING_NS)).toBe(ports[0]);
    expect(fdb.find(bridge, 0x0242, 5, 11 + FDB_AGEING_NS)).toBeNull();
  });

  it("makes room by removing aged entries only", () => {
    const { bridge, ports } = devices();
    const fdb = new Fdb(2);
    fdb.learn(bridge, 0x0242, 1, ports[0], 0);
    fdb.learn(bridge, 0x0242, 2, ports[0], 5);
    fdb.learn(bridge, 0x0242, 3, ports[0], FDB_AGEING_NS);
    expect(fdb.find(bridge, 0x0242, 3, FDB_AGEING_NS)).toBeNull();
    fdb.learn(bridge, 0x0242, 3, ports[1], FDB_AGEING_NS + 1);
    expect(fdb.find(bridge, 0x0242, 3, FDB_AGEING_NS + 1)).toBe(ports[1]);
    expect(fdb.find(bridge, 0x0242, 1, FDB_AGEING_NS + 1)).toBeNull();
    expect(fdb.find(bridge, 0x0242, 2, FDB_AGEING_NS + 1)).toBe(ports[0]);
  });

  it("knows the bridge's own address and its ports' as local", () => {
    const { kernel, bridge, ports } = devices();
    expect(kernel.localMacs.has(bridge, bridge.macHigh, bridge.macLow)).toBe(true);
    for (const port of ports) expect(kernel.localMacs.has(bridge, port.macHigh, port.macLow)).toBe(true);
    expect(kernel.localMacs.has(bridge, 0x0242, 0x12345678)).toBe(false);
  });
});
