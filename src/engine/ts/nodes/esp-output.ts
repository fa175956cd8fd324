import { FlowError } from "../../../../assembly/abi/counter";
import { Drop } from "../../../../assembly/abi/drop";
import { Hook } from "../../../../assembly/abi/netfilter";
import { Node } from "../../../../assembly/abi/node";
import { PROTOCOL_ESP } from "../../../../assembly/abi/protocol";
import { ESP_HEADER, ESP_ICV, ESP_IV, ESP_TRAILER } from "../../../../assembly/abi/xfrm";
import { drop } from "../graph/drop";
import type { Kernel } from "../kernel";
import { DATAGRAM_MAX } from "../memory/memory";
import { type Packet, PathMtuDiscovery } from "../memory/packet";
import { write32 } from "../wire/bytes";
import { ETHERNET_HEADER } from "../wire/ethernet";
import { DONT_FRAGMENT, fragmentField, headerLength, protocol, setProtocol, setTotalLength, updateChecksum } from "../wire/ipv4";
import { seal } from "../xfrm/cipher";
import type { Sa } from "../xfrm/sa";
import { finishOutput } from "./ip-output";
import { tellSender } from "./local-out";

/** Sequence numbers do not come round (RFC 4303 §3.3.3). */
const SEQUENCE_LAST = 0xffffffff;

/** xfrm_output, esp_output: what is behind the IP header is sealed, and goes on as a packet of its own. */
export function espOutput(kernel: Kernel, packet: Packet): Node {
  const sa = packet.policy?.sa ?? null;
  if (sa === null) return drop(kernel, packet, Drop.XfrmOutNoStates, Node.EspOutput);
  const { bytes } = kernel.memory;
  const header = headerLength(bytes, packet.network);
  const payload = packet.datagramLength - header;
  const pad = -(payload + ESP_TRAILER) & 3;
  const sealed = payload + pad + ESP_TRAILER;
  const total = header + ESP_HEADER + ESP_IV + sealed + ESP_ICV;
  const mayFragment = (fragmentField(bytes, packet.network) & DONT_FRAGMENT) === 0 || packet.pathMtuDiscovery === PathMtuDiscovery.Want;
  if (total > DATAGRAM_MAX || (total > packet.mtu && !mayFragment)) {
    tellSender(kernel, packet, FlowError.MessageTooLong);
    return drop(kernel, packet, Drop.PktTooBig, Node.EspOutput);
  }
  if (sa.sequence === SEQUENCE_LAST) return drop(kernel, packet, Drop.XfrmOutStateSeqError, Node.EspOutput);
  sa.sequence++;
  if (!makeRoom(kernel, packet, total)) return drop(kernel, packet, Drop.NoMemory, Node.EspOutput);
  kernel.chargeCipher(sealed);
  encapsulate(kernel, packet, sa, header, payload, pad);
  setTotalLength(bytes, packet.network, total);
  updateChecksum(kernel.memory, packet.network, header);
  packet.datagramLength = packet.frameLength = total;
  packet.policy = null;
  packet.transformed = packet.filtered = true;
  packet.secpath = false;
  kernel.conntrack.forget(packet);
  return sendOn(kernel, packet);
}

/** What no slot holds goes on from the scratch area; false if that is taken. */
function makeRoom(kernel: Kernel, packet: Packet, total: number): boolean {
  const { pool, memory } = kernel;
  if (packet.network !== packet.frame + ETHERNET_HEADER || !kernel.isOversize(total)) return true;
  if (!pool.scratchIsFree) return false;
  const from = packet.network;
  pool.useScratch(packet);
  memory.copy(packet.network, from, packet.datagramLength);
  return true;
}

function encapsulate({ memory }: Kernel, packet: Packet, sa: Sa, header: number, payload: number, pad: number): void {
  const { bytes } = memory;
  const esp = packet.network + header;
  const inner = esp + ESP_HEADER + ESP_IV;
  memory.copy(inner, esp, payload);
  write32(bytes, esp, sa.spi);
  write32(bytes, esp + 4, sa.sequence);
  // The IV is the number once more, in 64 bits. Differs from Linux: seqiv xors a random number of its own to it.
  write32(bytes, esp + ESP_HEADER, 0);
  write32(bytes, esp + ESP_HEADER + 4, sa.sequence);
  const trailer = inner + payload;
  for (let i = 0; i < pad; i++) bytes[trailer + i] = i + 1;
  bytes[trailer + pad] = pad;
  bytes[trailer + pad + 1] = protocol(bytes, packet.network);
  setProtocol(bytes, packet.network, PROTOCOL_ESP);
  seal(sa, bytes, esp, payload + pad + ESP_TRAILER);
}

/** xfrm_output_resume: by the same hooks once more, as ESP. */
function sendOn(kernel: Kernel, packet: Packet): Node {
  const filter = packet.namespace?.filter ?? null;
  if (filter?.visits(Hook.Output) === true) return Node.LocalOut;
  return filter?.visits(Hook.Postrouting) === true ? Node.Postrouting : finishOutput(kernel, packet);
}
