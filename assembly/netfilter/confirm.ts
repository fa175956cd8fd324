/** __nf_conntrack_confirm: a connection whose first packet has come through is one that others are found to belong to. */
import { Drop } from "../abi/drop";
import { PROTOCOL_TCP } from "../abi/protocol";
import { Packet } from "../memory/pool";
import { confirm, CONFIRMED, findTuple, GONE, hold, isNoTuple, isReply, originalOf, Tracked, trackedOf, Tuple } from "../tables/conntrack";
import { attach, carriesEntry, detach, stateOf, tupleOf } from "./state";

@inline export function confirmPacket(packet: Packet): Drop {
  if (!carriesEntry(packet)) return Drop.None;
  const tuple = tupleOf(packet);
  if (isReply(tuple) || trackedOf(tuple).status & (CONFIRMED | GONE)) return Drop.None;
  return confirmTracked(packet, trackedOf(tuple));
}

function confirmTracked(packet: Packet, tracked: Tracked): Drop {
  let found = findTuple(tracked.addresses, tracked.ports);
  if (isNoTuple(found)) found = findTuple(tracked.replyAddresses, tracked.replyPorts);
  if (!isNoTuple(found)) return resolveClash(packet, tracked, found);
  confirm(tracked);
  return Drop.None;
}

/** Another packet of the same connection was faster. */
function resolveClash(packet: Packet, tracked: Tracked, found: Tuple): Drop {
  const other = trackedOf(changetype<usize>(found));
  const isSame =
    other.addresses == tracked.addresses &&
    other.ports == tracked.ports &&
    other.replyAddresses == tracked.replyAddresses &&
    other.replyPorts == tracked.replyPorts;
  if (!isSame || (<u32>(tracked.ports >> 32) & 0xff) == PROTOCOL_TCP) return Drop.NetfilterDrop;
  const state = stateOf(packet);
  detach(packet);
  hold(other);
  attach(packet, originalOf(other), state);
  return Drop.None;
}
