/** Overlay networks: what a packet costs that crosses the cable between two hosts inside another one, sealed or not. */
import { VXLAN_FRAME_ROOM } from "../assembly/abi/limits";
import { Hook, MATCH_POLICY, Table, Target } from "../assembly/abi/netfilter";
import { PROTOCOL_UDP } from "../assembly/abi/protocol";
import type { DatapathProgram } from "../src/engine/program";
import { addMember, joinMembers, VXLAN_PORT } from "../test/support/overlay";
import { type Endpoint, ipText, ProgramDraft, US } from "../test/support/program";
import { addChain } from "../test/support/rules";

/** Containers of each of the two hosts. */
const CONTAINERS = 8;
const VNI = 4097;
/** What moby marks packets with that IPsec is to encrypt, and its rules by the number of the overlay. */
const MARK = 0xd0c4e3;
const ENCRYPTED_MTU = 1424;
const ESP_ROOM = 40;
/** Of IPv4 and UDP. */
const HEADERS = 28;

/** Each container sends to its counterpart on the other host. */
function overlay(bytes: number, mtu: number) {
  const draft = new ProgramDraft();
  const roots = [0, 1].map(() => draft.namespace(draft.host(16)));
  const link = { rateBps: 10e9, delayNs: 50 * US, jitterNs: 0, loss: 0, duplicate: 0, reorder: 0, limit: 1000 };
  const nics = draft.cable(roots[0], roots[1], ["192.168.0.1", "192.168.0.2"], 24, link);
  const members = nics.map(({ namespace, ip }, host) => {
    const addresses = Array.from({ length: CONTAINERS }, (_, i) => ipText(0x0a000100 + 2 + host * CONTAINERS + i));
    return addMember(draft, { underlay: namespace, tunnel: ip, vni: VNI, mtu, addresses });
  });
  joinMembers(draft, members);
  for (const [from, to] of [members, [...members].reverse()]) {
    from.containers.forEach((container, i) => draft.flow(container.namespace, to.containers[i], { bytes, intervalNs: 20 * US, startNs: i * US }));
  }
  return { draft, nics };
}

export function udpOverVxlan(bytes: number): DatapathProgram {
  return overlay(bytes, 1450).draft.program({ capacity: { packets: 4096, frameBytes: 1450 + VXLAN_FRAME_ROOM } });
}

/** The containers' packets have so many bytes; hosts mark what is of the overlay, seal it, and take nothing of it that came unsealed. */
export function encryptedOverlay(packetBytes: number): DatapathProgram {
  const { draft, nics } = overlay(packetBytes - HEADERS, ENCRYPTED_MTU);
  const isOurs = { protocol: PROTOCOL_UDP, destinationPort: VXLAN_PORT, word: [12, 0xffffff00, VNI << 8] as const };
  for (const { namespace } of nics) {
    addChain(draft, namespace, { table: Table.Mangle, hook: Hook.Output, rules: [{ ...isOurs, target: Target.Mark, setMark: [MARK, 0xffffffff] }] });
    addChain(draft, namespace, { table: Table.Filter, hook: Hook.Input, rules: [{ ...isOurs, sealed: "in", not: MATCH_POLICY, target: Target.Drop }] });
  }
  const program = draft.program({ capacity: { packets: 4096, frameBytes: ENCRYPTED_MTU + VXLAN_FRAME_ROOM + ESP_ROOM } });
  return { ...program, xfrm: associations(nics), cipherCost: 0 };
}

/** An association for each direction; both hosts have both. */
function associations(nics: readonly Endpoint[]) {
  const key = { bytes: Array.from({ length: 16 }, (_, index) => index) };
  const directions = [nics, [...nics].reverse()].map(([from, to], index) => ({ from, to, spi: 0x1000 + index }));
  const sas = nics.flatMap(({ namespace }) =>
    directions.map(({ from, to, spi }) => ({ namespace, spi, source: from.ip, destination: to.ip, key: 0, salt: spi, replayWindow: 64 })),
  );
  const policies = directions.map(({ from, to, spi }) => {
    const sa = sas.findIndex((association) => association.namespace === from.namespace && association.spi === spi);
    return { namespace: from.namespace, source: from.ip, destination: to.ip, protocol: PROTOCOL_UDP, port: VXLAN_PORT, mark: MARK, sa };
  });
  return { policies, sas, keys: [key] };
}
