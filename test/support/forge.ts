/** Frames that nobody in the network sends. */
import { PROTOCOL_ICMP } from "../../assembly/abi/protocol";
import type { InjectedFrame } from "../../src/engine/engine";
import type { DatapathProgram } from "../../src/engine/program";
import type { FramePlan } from "./arbitrary";
import { arp, BROADCAST, ethernet, icmp, ipv4, type Mac, repairChecksums, tcp, udp } from "./frame";
import { wrapFrame } from "./overlay";
import { forgeDns } from "./processes";
import { sealFrame } from "./sealing";
import type { Endpoint } from "./program";

/** A frame that somebody forges on the wire of a device: sound or not, from and to addresses that exist. */
export function buildFrame(plan: FramePlan, program: DatapathProgram, endpoints: readonly Endpoint[], frameBytes: number): InjectedFrame {
  const device = plan.device % program.devices.length;
  const from = endpoints[plan.from % endpoints.length];
  const to = endpoints[plan.to % endpoints.length];
  const flowRecord = program.flows[plan.flow % program.flows.length];
  const macOf = ({ device: index }: Endpoint): Mac => program.devices[index];
  const towards = plan.broadcast ? BROADCAST : plan.salt % 3 === 0 ? macOf(to) : program.devices[device];
  const source = macOf(from);
  const untagged = forge(plan, { from, to, source, towards, target: macOf(to), flow: flowRecord, domains: program.dns.domains });
  const tagged = plan.tag === 0 ? untagged : withTag(untagged, plan.tag);
  const seals = plan.salt % 2 === 0 ? sealFrame : wrapFrame;
  const wrapped = plan.tunnel === null ? undefined : seals(tagged, program, plan.tunnel, plan.salt);
  const whole = wrapped?.bytes ?? tagged;
  const length = Math.min(frameBytes, Math.max(0, whole.length - plan.cut));
  const bytes = new Uint8Array(length);
  bytes.set(whole.subarray(0, length));
  for (const [at, value] of plan.mutations) if (length > 0) bytes[at % length] = value;
  if (wrapped !== undefined && plan.salt % 5 !== 0) repairChecksums(bytes);
  return { timeNs: plan.timeNs, device: wrapped?.device ?? device, bytes };
}

function withTag(frame: Uint8Array, tag: number): Uint8Array {
  return Uint8Array.from([...frame.subarray(0, 12), 0x81, 0x00, tag >> 8, tag & 255, ...frame.subarray(12)]);
}

interface Forgery {
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly source: Mac;
  readonly towards: Mac;
  readonly target: Mac;
  readonly flow: DatapathProgram["flows"][number];
  readonly domains: readonly string[];
}

function forge(plan: FramePlan, { from, to, source, towards, target, flow: flowRecord, domains }: Forgery): Uint8Array {
  const { kind, salt, bytes } = plan;
  const pick = (shift: number, modulus: number) => (salt >>> shift) % modulus;
  const datagram = (protocol: number, payload: Uint8Array) =>
    ipv4(
      {
        source: from.ip,
        destination: to.ip,
        protocol,
        ttl: pick(3, 3) === 0 ? 1 : 64,
        id: pick(5, 4),
        fragment: pick(7, 3) === 0 ? [0x2000, 0x2001, 0x0002, 0x4000, 0x0004, 0x3fff, 0x1fff, 0x2002][pick(9, 8)] : 0,
        options: pick(12, 5) === 0 ? new Uint8Array(4 * (1 + pick(14, 10))) : undefined,
      },
      payload,
    );
  switch (kind) {
    case "noise":
      return pick(0, 2) === 0 ? bytes : ethernet(towards, source, 0x0800, bytes);
    case "arp": {
      const sender = { ...source, ip: pick(0, 5) === 0 ? 0 : from.ip };
      return arp(1 + pick(2, 2), sender, { ...target, ip: pick(4, 4) === 0 ? from.ip : to.ip }, towards);
    }
    case "udp": {
      const port = pick(0, 2) === 0 ? flowRecord.destinationPort : flowRecord.sourcePort;
      return ethernet(towards, source, 0x0800, datagram(17, udp(flowRecord.sourcePort, port, bytes)));
    }
    case "dns": {
      const [sourcePort, port] = pick(1, 3) === 0 ? [53, 60_999 - pick(4, 6)] : [flowRecord.sourcePort, pick(4, 4) === 0 ? flowRecord.destinationPort : 53];
      return ethernet(towards, source, 0x0800, datagram(17, udp(sourcePort, port, forgeDns(pick, domains, bytes))));
    }
    case "icmp":
      return ethernet(towards, source, 0x0800, datagram(1, forgeIcmp(pick, flowRecord, to, bytes)));
    case "tcp": {
      const [sourcePort, destinationPort] =
        pick(0, 2) === 0 ? [flowRecord.sourcePort, flowRecord.destinationPort] : [flowRecord.destinationPort, flowRecord.sourcePort];
      const flags = [2, 16, 18, 4, 20, 17, 1, 24, 3, 0][pick(1, 10)];
      const options = pick(13, 3) === 0 ? bytes.slice(0, 4 * Math.floor(bytes.length / 12)) : undefined;
      const segment = tcp(
        {
          source: from.ip,
          destination: to.ip,
          sourcePort,
          destinationPort,
          sequence: salt >>> 0,
          acknowledgement: pick(4, 1000),
          flags,
          window: pick(6, 3) * 1000,
          options,
        },
        pick(8, 2) === 0 ? bytes : undefined,
      );
      return ethernet(towards, source, 0x0800, datagram(6, segment));
    }
    case "other":
      return ethernet(towards, source, pick(0, 3) === 0 ? 0x86dd : 0x0800, datagram(pick(2, 256), bytes));
  }
}

/** Echoes, and errors that quote what a flow sent. */
function forgeIcmp(
  pick: (shift: number, modulus: number) => number,
  flowRecord: Forgery["flow"],
  to: Endpoint,
  bytes: Uint8Array,
): Uint8Array {
  if (pick(0, 3) === 0) return icmp(pick(1, 2) === 0 ? 8 : 0, 0, (flowRecord.sourcePort << 16) | pick(2, 8), bytes);
  const transport =
    flowRecord.protocol === PROTOCOL_ICMP
      ? icmp(8, 0, flowRecord.sourcePort << 16, bytes)
      : udp(flowRecord.sourcePort, flowRecord.destinationPort, bytes);
  const quoted = ipv4({ source: to.ip, destination: flowRecord.destination, protocol: flowRecord.protocol }, transport);
  return icmp([3, 11, 3, 5][pick(16, 4)], [0, 1, 2, 3, 4, 13, 4][pick(18, 7)], [0, 68, 600, 1000, 0xffff][pick(21, 5)], quoted);
}
