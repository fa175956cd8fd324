import { describe, expect, it } from "vitest";
import { Family, Hook, Table, Target } from "../../../../assembly/abi/netfilter";
import { PROTOCOL_TCP } from "../../../../assembly/abi/protocol";
import { ip6, network6, overIpv6 } from "../../../../test/support/ipv6";
import { ruleRecord } from "../../../../test/support/rules";
import { MS, SECOND, twoBridges } from "../../../../test/support/program";
import { simulate } from "../../../../test/support/simulate";
import { NO_TSHARK, tsharkFields } from "../../../../test/support/tshark";
import { writePcapng } from "../../../observe/pcapng";

// A reset is worth a warning to tshark.
const FAULTS = "_ws.malformed || (_ws.expert.severity >= 0x600000 && tcp.flags.reset != 1 || _ws.expert.severity >= 0x600000 && !tcp) || udp.checksum.status == 0 || tcp.checksum.status == 0 || icmpv6.checksum.status == 0";
const CHECKED = ["-o", "udp.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE"];

/** A container on each of two bridges of a router that masquerades what leaves the first one, and a smaller way on. */
function world(translates: boolean) {
  const { draft, front, back, left, right, root } = twoBridges([1500, 1300]);
  const [leftIp] = network6(draft, front, [left], "fd01");
  const [rightIp] = network6(draft, back, [right], "fd02");
  draft.namespaces[root] = { ...draft.namespaces[root]!, forwarding6: 1 };
  if (translates) {
    draft.rules.push(ruleRecord({ target: Target.Masquerade }));
    draft.chains.push({ namespace: root, family: Family.Ipv6, table: Table.Nat, hook: Hook.Postrouting, policy: Target.Accept, first: 0, count: 1 });
  }
  return { draft, root, left, right, leftIp: leftIp!, rightIp: rightIp! };
}

function traffic({ draft, left, right, rightIp }: ReturnType<typeof world>) {
  const flows = [
    overIpv6(draft, draft.ping(left.namespace, right, { count: 3, bytes: 1400, intervalNs: 300 * MS }), rightIp),
    overIpv6(draft, draft.flow(left.namespace, right, { count: 3, bytes: 5000, intervalNs: 300 * MS }), rightIp),
    overIpv6(draft, draft.request(left.namespace, right, { bytes: 20_000, responseBytes: 9000, destinationPort: 9100 }), rightIp),
    overIpv6(draft, draft.flow(left.namespace, right, { count: 1, unserved: true, destinationPort: 7 }), rightIp),
    overIpv6(draft, draft.request(left.namespace, right, { unserved: true, destinationPort: 8, protocol: PROTOCOL_TCP }), rightIp),
    overIpv6(draft, draft.ping(left.namespace, right, { count: 1 }), ip6("fd02::77")),
  ];
  return flows;
}

describe("tshark", () => {
  it.for([false, true])("finds no fault in what IPv6 sends (translated: %s)", (translates, context) => {
    const network = world(translates);
    const flows = traffic(network);
    const { left, right, draft } = network;
    const { frames, counters } = simulate(draft.program(), { untilNs: 8 * SECOND, capture: [left.device, right.device] });
    const written = frames.map(({ timeNs, device, direction, length, bytes }) => {
      return { timeNs, device: device === left.device ? "left" : "right", direction: direction === 1 ? ("inbound" as const) : ("outbound" as const), length, bytes };
    });
    const file = writePcapng({ interfaces: [{ name: "left" }, { name: "right" }], frames: written, snaplen: 65_535, hosts: [], application: "test" });
    const faults = tsharkFields(file, ["frame.number", "_ws.expert.message"], ...CHECKED, "-Y", FAULTS);
    if (faults === undefined) return context.skip(NO_TSHARK);
    expect(faults).toEqual([]);
    // An error has the type of what it quotes behind its own.
    const types = tsharkFields(file, ["icmpv6.type"], "-Y", "icmpv6")?.map((line) => line.split(",")[0]);
    for (const type of ["128", "129", "135", "136", "1", "2"]) expect(types).toContain(type);
    const sources = new Set(tsharkFields(file, ["ipv6.src"], "-Y", "frame.interface_name == \"right\" && ipv6.dst == fd02::2 && udp && !icmpv6"));
    expect([...sources]).toEqual([translates ? "fd02::1" : "fd01::2"]);
    expect(counters.flows[flows[0]!]).toMatchObject({ sent: 3, answered: 2 });
    expect(counters.flows[flows[1]!]).toMatchObject({ sent: 3, delivered: 3 });
    expect(counters.flows[flows[2]!]).toMatchObject({ answered: 1 });
    for (const flow of flows.slice(3)) expect(counters.flows[flow!]).toMatchObject({ errors: 1 });
  });
});
