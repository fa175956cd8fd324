import { describe, expect, it } from "vitest";
import { CAPTURE_OUTBOUND } from "../../../../assembly/abi/event";
import { overlay, overlayCapacity } from "../../../../test/support/two-host-overlay";
import { SECOND } from "../../../../test/support/program";
import { simulate } from "../../../../test/support/simulate";
import { NO_TSHARK, tsharkFields } from "../../../../test/support/tshark";
import { writePcapng } from "../../../observe/pcapng";

// Segments that were too long are sent again.
const FAULTS = "_ws.malformed || (_ws.expert.severity >= 0x600000 && !tcp.analysis.flags) || udp.checksum.status == 0 || ip.checksum.status == 0 || tcp.checksum.status == 0";
const CHECKED = ["-o", "udp.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"];

describe("tshark", () => {
  it.for([1500, 1000])("reads what a tunnel sends on an underlay with MTU %d, and finds the frames in it whole", (underlayMtu, context) => {
    const lab = overlay({ underlayMtu, containers: 2 });
    const [from, to] = [lab.left.containers[0], lab.right.containers[1]];
    lab.draft.ping(from.namespace, to, { count: 2, bytes: 600 });
    lab.draft.flow(from.namespace, to, { count: 2, bytes: 3000 });
    lab.draft.request(from.namespace, to, { bytes: 5000, responseBytes: 9000 });
    const capture = [lab.left.nic.device];
    const { frames, counters } = simulate(lab.draft.program({ capacity: overlayCapacity(lab) }), { untilNs: 2 * SECOND, capture });
    const written = frames.map(({ timeNs, direction, length, bytes }) => {
      return { timeNs, device: "left", direction: direction === CAPTURE_OUTBOUND ? ("outbound" as const) : ("inbound" as const), length, bytes };
    });
    const file = writePcapng({ interfaces: [{ name: "left" }], frames: written, snaplen: 65_535, hosts: [], application: "test" });
    const faults = tsharkFields(file, ["frame.number", "_ws.expert.message"], ...CHECKED, "-Y", FAULTS);
    if (faults === undefined) return context.skip(NO_TSHARK);
    expect(faults).toEqual([]);
    const networks = new Set(tsharkFields(file, ["vxlan.vni", "vxlan.flags", "udp.dstport"], "-Y", "vxlan && !ip.fragment")?.map((line) => line.split(",")[0]));
    expect([...networks]).toEqual(["4097|0x0800|4789"]);
    const echoes = tsharkFields(file, ["ip.src"], "-Y", "vxlan && icmp.type == 8");
    expect(echoes).toEqual(Array.from({ length: 2 }, () => "192.168.0.1,10.0.1.2"));
    expect(counters.flows.map(({ answered, delivered }) => [answered, delivered])).toEqual([[2, 2], [0, 2], [1, 1]]);
  });
});
