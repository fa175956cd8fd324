import { describe, expect, it } from "vitest";
import { EventKind } from "../../../../assembly/abi/event";
import { Node } from "../../../../assembly/abi/node";
import { DEVICE_UP, DEVICE_VXLAN_LEARNING } from "../../../../assembly/abi/program";
import { NONE } from "../../../../assembly/abi/version";
import { arp, BROADCAST, concat, describeFrame, ethernet, ipv4, udp } from "../../../../test/support/frame";
import { introduce, introduceOne, type Overlay, overlay, type OverlayOptions, overlayCapacity, VNI, VXLAN_PORT } from "../../../../test/support/two-host-overlay";
import { ip, MS, SECOND } from "../../../../test/support/program";
import { simulate, type SimulateOptions } from "../../../../test/support/simulate";

const run = (lab: Overlay, options: Partial<SimulateOptions> = {}) =>
  simulate(lab.draft.program({ capacity: overlayCapacity(lab) }), { untilNs: SECOND, ...options });

/** A VXLAN datagram around a frame, as the wire has it, towards the right host. */
function tunnelled({ draft, left, right }: Overlay, inner: Uint8Array, { flags = 0x08000000, vni = VNI, reserved = 0, source = left.nic.ip, cut = 0 } = {}) {
  const header = new Uint8Array(8);
  new DataView(header.buffer).setUint32(0, flags);
  new DataView(header.buffer).setUint32(4, vni * 256 + reserved);
  const payload = concat(header, inner).subarray(0, 8 + inner.length - cut);
  const packet = ipv4({ source, destination: right.nic.ip, protocol: 17 }, udp(40_000, VXLAN_PORT, payload));
  return { timeNs: 0, device: right.nic.device, bytes: ethernet(draft.devices[right.nic.device], draft.devices[left.nic.device], 0x0800, packet) };
}

/** A datagram from the first container of the left host to that of the right one. */
function innerFrame({ draft, left, right }: Overlay, source = draft.devices[left.containers[0].device]): Uint8Array {
  const packet = ipv4({ source: left.containers[0].ip, destination: right.containers[0].ip, protocol: 17 }, udp(1, 9000, new Uint8Array(20)));
  return ethernet(draft.devices[right.containers[0].device], source, 0x0800, packet);
}

const pinged = (options: OverlayOptions = {}, ping: Parameters<Overlay["draft"]["ping"]>[2] = {}) => {
  const lab = overlay(options);
  const flow = lab.draft.ping(lab.left.containers[0].namespace, lab.right.containers[0], { count: 1, ...ping });
  return { ...lab, flow };
};

describe("an overlay", () => {
  it("carries a ping from host to host in datagrams of the underlay", () => {
    const lab = pinged();
    const { counters, frames, drops } = run(lab, { capture: [lab.left.nic.device] });
    expect(counters.flows[0]).toMatchObject({ sent: 1, answered: 1 });
    expect(frames.map(({ bytes }) => describeFrame(bytes))).toEqual([
      "who-has 192.168.0.2 tell 192.168.0.1",
      `192.168.0.2 is-at ${"02:42:0a:00:00:03"}`,
      expect.stringMatching(/^192.168.0.1 > 192.168.0.2 len 134 ttl 64 udp \d+ > 4789$/),
      expect.stringMatching(/^192.168.0.2 > 192.168.0.1 len 134 ttl 64 udp \d+ > 4789$/),
    ]);
    const inner = frames[2].bytes.subarray(50);
    expect(describeFrame(inner)).toBe("10.0.1.2 > 10.0.1.102 len 84 ttl 64 df icmp 8/0");
    expect(new DataView(frames[2].bytes.buffer, frames[2].bytes.byteOffset).getUint32(42)).toBe(0x08000000);
    // The request for the other container's MAC ended at the tunnel, which answered; its own host's does not know itself there.
    expect(drops).toEqual({});
  });

  it("shows the way of a packet: out of the bridge into the tunnel, through the hosts' stacks, and onto the bridge", () => {
    const lab = pinged();
    const { events } = run(lab, { trace: [{ flow: lab.flow, packets: 1 }] });
    const hops = events.filter(({ kind, flow }) => kind === EventKind.Hop && flow === lab.flow).map(({ node }) => Node[node]);
    const way = "SocketOutput IpOutput NeighbourOutput DeviceTransmit Receive BridgeInput BridgeForward DeviceTransmit VxlanOutput IpOutput NeighbourOutput DeviceTransmit Link";
    const back = "Receive IpInput LocalDeliver VxlanInput Receive BridgeInput BridgeFlood BridgeForward DeviceTransmit Receive IpInput LocalDeliver IcmpInput";
    expect(hops.join(" ")).toContain(`${way} ${back}`);
  });

  it("carries TCP, and datagrams longer than its MTU in pieces of the container's own", () => {
    const lab = overlay();
    const [from, to] = [lab.left.containers[0], lab.right.containers[0]];
    lab.draft.request(from.namespace, to, { bytes: 20_000, responseBytes: 30_000 });
    lab.draft.flow(from.namespace, to, { bytes: 5000, count: 3 });
    const { counters, frames } = run(lab, { capture: [lab.left.nic.device] });
    expect(counters.flows.map(({ delivered, answered, errors }) => [delivered, answered, errors])).toEqual([[1, 1, 0], [3, 0, 0]]);
    expect(Math.max(...frames.map(({ length }) => length))).toBe(1514);
  });

  it("spreads flows over source ports, and keeps each on one", () => {
    const lab = overlay();
    const [from, to] = [lab.left.containers[0], lab.right.containers[0]];
    for (let i = 0; i < 8; i++) lab.draft.flow(from.namespace, to, { count: 4 });
    const { frames } = run(lab, { capture: [lab.left.nic.device] });
    const ports = frames.filter(({ length }) => length === 156).map(({ bytes }) => bytes[34] * 256 + bytes[35]);
    expect(ports).toHaveLength(32);
    expect(new Set(ports).size).toBe(8);
    expect(ports.every((port) => port >= 32_768 && port < 60_999)).toBe(true);
  });

  it("lets no broadcast, group or unknown unicast leave the host", () => {
    const lab = overlay();
    const source = lab.draft.devices[lab.left.containers[0].device];
    const frames = [BROADCAST, { macHigh: 0x0100, macLow: 0x5e010203 }, { macHigh: 0x0242, macLow: 0x77 }].map((destination, timeNs) => {
      return { timeNs, device: lab.left.containers[0].port, bytes: ethernet(destination, source, 0x88b5, new Uint8Array(50)) };
    });
    const { drops, counters } = run(lab, { frames });
    expect(drops).toMatchObject({ NoTxTarget: 3 });
    expect(counters.devices[lab.left.nic.device].txPackets).toBe(0);
  });

  it("sends what has no entry to the default remote, if there is one", () => {
    const lab = overlay();
    lab.draft.vxlanRemotes.push({ device: lab.left.vxlan, macHigh: 0, macLow: 0, remote: lab.right.nic.ip });
    const bytes = ethernet(BROADCAST, lab.draft.devices[lab.left.containers[0].device], 0x88b5, new Uint8Array(50));
    const { counters } = run(lab, { frames: [{ timeNs: 0, device: lab.left.containers[0].port, bytes }] });
    expect(counters.devices[lab.right.containers[0].device].rxPackets).toBe(1);
  });
});

describe("ARP in an overlay", () => {
  it("is answered for whom the tunnel knows, and ends there for everybody else", () => {
    const lab = overlay({ containers: 2, ignorant: true });
    introduceOne(lab.draft, lab.left, lab.right.containers[0], lab.right.nic.ip);
    const [from] = lab.left.containers;
    for (const to of lab.right.containers) lab.draft.ping(from.namespace, to, { count: 1 });
    const { drops, frames, counters } = run(lab, { untilNs: 5 * SECOND, capture: [from.device] });
    const asked = frames.map(({ bytes }) => describeFrame(bytes)).filter((line) => line.includes("10.0.1.10") && !line.includes("icmp"));
    expect(asked).toEqual([
      "who-has 10.0.1.102 tell 10.0.1.2",
      "10.0.1.102 is-at 02:42:0a:00:01:66",
      "who-has 10.0.1.103 tell 10.0.1.2",
      "who-has 10.0.1.103 tell 10.0.1.2",
      "who-has 10.0.1.103 tell 10.0.1.2",
    ]);
    // Three here for the second container, and three there for the one that asked.
    expect(drops.VxlanArpUnknown).toBe(6);
    expect(counters.devices[lab.right.nic.device].txPackets).toBe(1);
  });

  it("does not cross as an announcement either", () => {
    const lab = overlay();
    const own = { ...lab.draft.devices[lab.left.containers[0].device], ip: lab.left.containers[0].ip };
    const frames = [
      { timeNs: 0, device: lab.left.containers[0].port, bytes: arp(1, own, { macHigh: 0xffff, macLow: 0xffffffff, ip: own.ip }, BROADCAST) },
      { timeNs: 1, device: lab.left.containers[0].port, bytes: arp(2, own, { macHigh: 0xffff, macLow: 0xffffffff, ip: own.ip }, BROADCAST) },
    ];
    const { drops, counters } = run(lab, { frames });
    expect(drops.VxlanArpUnknown).toBe(1);
    expect(counters.devices[lab.left.nic.device].txPackets).toBe(0);
  });
});

describe("the MTU of an overlay", () => {
  it("is told to a container whose packet the underlay would have to cut, and the packet is dropped", () => {
    const lab = overlay({ underlayMtu: 1400 });
    const [from, to] = [lab.left.containers[0], lab.right.containers[0]];
    lab.draft.request(from.namespace, to, { bytes: 4000, responseBytes: 100 });
    const { drops, counters, frames } = run(lab, { capture: [from.device] });
    expect(frames.map(({ bytes }) => describeFrame(bytes)).filter((line) => line.includes("icmp 3/4"))[0]).toBe("10.0.1.102 > 10.0.1.2 len 576 ttl 64 df icmp 3/4");
    expect(drops.PktTooBig).toBeGreaterThan(0);
    expect(counters.flows[0]).toMatchObject({ delivered: 1, answered: 1 });
  });

  it("does not bind datagrams that may be cut: the one around them is", () => {
    const lab = overlay({ underlayMtu: 1000 });
    const [from, to] = [lab.left.containers[0], lab.right.containers[0]];
    lab.draft.flow(from.namespace, to, { bytes: 3000, count: 2 });
    const { drops, counters } = run(lab);
    expect(counters.flows[0].delivered).toBe(2);
    expect(drops).toEqual({});
  });
});

describe("a tunnel's end", () => {
  const received = (options: Parameters<typeof tunnelled>[2] = {}, change: (lab: Overlay) => void = () => {}) => {
    const lab = overlay();
    lab.draft.socket({ namespace: lab.right.containers[0].namespace, port: 9000 });
    change(lab);
    const { drops, counters } = run(lab, { frames: [tunnelled(lab, innerFrame(lab), options)] });
    return { drops, delivered: counters.totals.delivered };
  };

  it("takes what is sound from the host that has the sender", () => {
    expect(received()).toEqual({ drops: {}, delivered: 1 });
  });

  it("refuses other headers, networks and lengths", () => {
    expect(received({ flags: 0 }).drops).toEqual({ VxlanInvalidHdr: 1 });
    expect(received({ flags: 0x88000000 }).drops).toEqual({ VxlanInvalidHdr: 1 });
    expect(received({ reserved: 1 }).drops).toEqual({ VxlanInvalidHdr: 1 });
    expect(received({ vni: 4098 }).drops).toEqual({ VxlanVniNotFound: 1 });
    expect(received({ cut: 50 }).drops).toEqual({ PktTooSmall: 1 });
    expect(received({ cut: 30 }).drops).toEqual({ PktTooSmall: 1 });
  });

  it("refuses frames of a container that come from another host than its own", () => {
    expect(received({ source: ip("192.168.0.9") })).toEqual({ drops: { VxlanEntryExists: 1 }, delivered: 0 });
    // Nobody has said where that container is: whoever sends first is believed.
    expect(received({ source: ip("192.168.0.9") }, (lab) => lab.draft.vxlanRemotes.splice(0))).toEqual({ drops: {}, delivered: 1 });
  });

  it("does not look at senders without learning", () => {
    const change = ({ draft, right }: Overlay) => {
      draft.devices[right.vxlan] = { ...draft.devices[right.vxlan], flags: DEVICE_UP };
    };
    expect(received({ source: ip("192.168.0.9") }, change)).toEqual({ drops: {}, delivered: 1 });
  });

  it("refuses its own MAC as a sender, groups and nobody", () => {
    const from = (source: (lab: Overlay) => { readonly macHigh: number; readonly macLow: number }) => {
      const lab = overlay();
      return run(lab, { frames: [tunnelled(lab, innerFrame(lab, { ...lab.draft.devices[0], ...source(lab) }))] }).drops;
    };
    expect(from(({ draft, right }) => draft.devices[right.vxlan])).toEqual({ LocalMac: 1 });
    expect(from(() => BROADCAST)).toEqual({ MacInvalidSource: 1 });
    expect(from(() => ({ macHigh: 0, macLow: 0 }))).toEqual({ MacInvalidSource: 1 });
  });

  it("is not there while no device of its port is up", () => {
    const down = received({}, ({ draft, right }) => {
      draft.devices[right.vxlan] = { ...draft.devices[right.vxlan], flags: DEVICE_VXLAN_LEARNING };
    });
    expect(down.drops).toEqual({ NoSocket: 1 });
  });

  it("puts together what the underlay cut, and delivers the frame as it was", () => {
    const lab = overlay();
    const whole = tunnelled(lab, concat(innerFrame(lab)));
    const data = whole.bytes.subarray(34);
    const pieces = [0, 48].map((offset, timeNs) => {
      const last = offset > 0;
      const payload = data.subarray(offset, last ? undefined : 48);
      const packet = ipv4({ source: lab.left.nic.ip, destination: lab.right.nic.ip, protocol: 17, id: 7, fragment: offset / 8 + (last ? 0 : 0x2000) }, payload);
      return { timeNs, device: whole.device, bytes: ethernet(lab.draft.devices[lab.right.nic.device], lab.draft.devices[lab.left.nic.device], 0x0800, packet) };
    });
    lab.draft.socket({ namespace: lab.right.containers[0].namespace, port: 9000 });
    const { drops, counters } = run(lab, { frames: pieces });
    expect({ drops, delivered: counters.totals.delivered }).toEqual({ drops: {}, delivered: 1 });
  });
});

describe("what a tunnel learns", () => {
  it("is where a sender is, until 300 s have passed", () => {
    const lab = overlay({ ignorant: true });
    // The right host knows where to send answers only by what came; ARP is answered by entries that are there.
    introduce(lab.draft, lab.left, lab.right);
    const { macHigh, macLow } = lab.draft.devices[lab.left.containers[0].device];
    lab.draft.neighbours.push({ device: lab.right.vxlan, ip: lab.left.containers[0].ip, macHigh, macLow });
    lab.draft.ping(lab.left.containers[0].namespace, lab.right.containers[0], { count: 1 });
    const back = lab.draft.ping(lab.right.containers[0].namespace, lab.left.containers[0], { startNs: 250 * SECOND, intervalNs: 200 * SECOND, count: 2 });
    const { counters, drops } = run(lab, { untilNs: 500 * SECOND });
    expect(counters.flows[0].answered).toBe(1);
    // The answer to the first one, 250 s old, kept the entry alive.
    expect(counters.flows[back].answered).toBe(2);
    expect(drops.NoTxTarget).toBeUndefined();
  });

  it("goes with age, and then nothing is sent to nowhere", () => {
    const lab = overlay({ ignorant: true });
    introduce(lab.draft, lab.left, lab.right);
    const { macHigh, macLow } = lab.draft.devices[lab.left.containers[0].device];
    lab.draft.neighbours.push({ device: lab.right.vxlan, ip: lab.left.containers[0].ip, macHigh, macLow });
    lab.draft.ping(lab.left.containers[0].namespace, lab.right.containers[0], { count: 1 });
    lab.draft.ping(lab.right.containers[0].namespace, lab.left.containers[0], { startNs: 400 * SECOND, count: 1 });
    expect(run(lab, { untilNs: 500 * SECOND }).drops).toMatchObject({ NoTxTarget: 1 });
  });
});

describe("a tunnel to an address of its own host", () => {
  it("is none: the frame is received where it was sent", () => {
    const lab = overlay({ ignorant: true });
    const { macHigh, macLow } = lab.draft.devices[lab.right.containers[0].device];
    lab.draft.vxlanRemotes.push({ device: lab.left.vxlan, macHigh, macLow, remote: lab.left.nic.ip });
    const { counters } = run(lab, { frames: [{ timeNs: 0, device: lab.left.containers[0].port, bytes: innerFrame(lab) }] });
    expect(counters.devices[lab.left.vxlan]).toMatchObject({ txPackets: 1, rxPackets: 1 });
    expect(counters.devices[lab.left.nic.device].txPackets).toBe(0);
  });

  it("needs a route to any other", () => {
    const lab = overlay({ ignorant: true });
    const { macHigh, macLow } = lab.draft.devices[lab.right.containers[0].device];
    lab.draft.vxlanRemotes.push({ device: lab.left.vxlan, macHigh, macLow, remote: ip("203.0.113.1") });
    expect(run(lab, { frames: [{ timeNs: 0, device: lab.left.containers[0].port, bytes: innerFrame(lab) }] }).drops).toEqual({ IpOutNoRoutes: 1 });
  });
});

describe("a new program", () => {
  it("replaces the entries of a tunnel, keeps what it learnt of others, and forgets what it learnt of the same", () => {
    const lab = overlay({ ignorant: true, containers: 2 });
    for (const container of lab.right.containers) introduceOne(lab.draft, lab.left, container, lab.right.nic.ip);
    for (const { device, ip: address } of lab.left.containers) {
      const { macHigh, macLow } = lab.draft.devices[device];
      lab.draft.neighbours.push({ device: lab.right.vxlan, ip: address, macHigh, macLow });
    }
    for (const { namespace } of lab.left.containers) lab.draft.ping(namespace, lab.right.containers[0], { count: 1 });
    const { engine } = run(lab);
    // Of the first container a wrong entry is programmed now.
    introduceOne(lab.draft, lab.right, lab.left.containers[0], ip("192.168.0.77"));
    lab.draft.neighbours.pop();
    const program = lab.draft.program({ capacity: overlayCapacity(lab) });
    engine.apply({ program });
    const [one, two] = lab.left.containers.map((container) => {
      const index = lab.draft.flows.length;
      lab.draft.ping(lab.right.containers[0].namespace, container, { count: 1, startNs: 2 * SECOND });
      return index;
    });
    engine.apply({ flows: [one, two].map((index) => ({ index, record: lab.draft.flows[index] })) });
    engine.run(10 * SECOND, Infinity);
    expect(engine.counters().flows.slice(one).map(({ answered }) => answered)).toEqual([0, 1]);
  });

  it("is refused with tunnels that cannot be", () => {
    const refused = (change: (lab: Overlay) => void, capacity = {}) => {
      const lab = overlay();
      change(lab);
      return () => simulate(lab.draft.program({ capacity: { ...overlayCapacity(lab), ...capacity } }), { untilNs: MS });
    };
    const change = (fields: object) => (lab: Overlay) => {
      lab.draft.devices[lab.left.vxlan] = { ...lab.draft.devices[lab.left.vxlan], ...fields };
    };
    expect(refused(change({ underlay: 1 }))).toThrow("a namespace of the same host, found 1");
    expect(refused(change({ port: 0 }))).toThrow("a UDP port, found 0");
    expect(refused(change({ vni: 2 ** 24 }))).toThrow("a number of 24 bits");
    expect(refused(({ draft, left }) => draft.devices.push({ ...draft.devices[left.vxlan], master: NONE }))).toThrow("no other device has");
    expect(refused(({ draft }) => draft.vxlanRemotes.push({ ...draft.vxlanRemotes[0] }))).toThrow("one entry for each MAC");
    expect(refused(({ draft }) => draft.vxlanRemotes.push({ ...draft.vxlanRemotes[0], device: 0 }))).toThrow("a VXLAN device, found 0");
    expect(refused(({ draft }) => draft.vxlanRemotes.push({ ...draft.vxlanRemotes[0], macLow: 1, remote: 0 }))).toThrow("an address of one host");
    expect(refused(() => {}, { frameBytes: 1517 })).toThrow("capacity.frameBytes: expected at least 1518");
    expect(refused(() => {}, { vxlanRemotes: 1 })).toThrow("capacity.vxlanRemotes: expected at least 2");
  });
});
