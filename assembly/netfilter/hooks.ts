/** NF_HOOK: the tables of each hook, in the order of their priorities. Each function tells why the packet dies, or None. */
import { Drop } from "../abi/drop";
import { Hook, Table, Target } from "../abi/netfilter";
import { Node } from "../abi/node";
import { destinationIn } from "../memory/network";
import { CROSSING, Packet } from "../memory/pool";
import { reroute } from "../nodes/local-out";
import { Device, noDevice } from "../tables/device";
import { findTuple, Tuple } from "../tables/conntrack";
import { Namespace } from "../tables/namespace";
import { Path } from "../tables/path";
import { chainBit, TRACKS, TRANSLATES } from "../tables/ruleset";
import { confirmPacket } from "./confirm";
import { NO_INTERFACE, setPlace } from "./inspect";
import { nat } from "./nat";
import { choosePolicy } from "../xfrm/look-up";
import { reject } from "./reject";
import { carriesEntry, stateOf, tupleOf } from "./state";
import { isIcmpError, readTuple, stateOfTuple, track, tupleAddresses, tuplePorts } from "./track";
import { traverse } from "./traverse";
import { forgetWanted, isNoPath, recall, recallCarried, remember } from "./verdict";

const NO_PATH = changetype<Path>(0);
const NO_TUPLE = changetype<Tuple>(0);

export function passPrerouting(packet: Packet, namespace: Namespace, ingress: Device): Drop {
  const tables = chainBit(Hook.Prerouting, Table.Raw) | chainBit(Hook.Prerouting, Table.Mangle);
  setPlace(namespace, ingress.index, NO_INTERFACE);
  const path = begin(packet, namespace, Hook.Prerouting, Node.Prerouting, tables);
  if (failure != Drop.None) return failure;
  if (isNoPath(path)) {
    const reason = passTable(packet, namespace, Hook.Prerouting, Table.Mangle, Node.Prerouting);
    remember(packet, Hook.Prerouting, reason != Drop.None);
    if (reason != Drop.None) return reason;
  } else if (take(packet, path)) {
    return Drop.NetfilterDrop;
  }
  return passNat(packet, namespace, Hook.Prerouting, Node.Prerouting, ingress, noDevice);
}

/** LocalOut, up to the translation; `passOutputFilter` is the rest. */
@inline export function passOutput(packet: Packet, namespace: Namespace, egress: Device): Drop {
  const tables = chainBit(Hook.Output, Table.Raw) | chainBit(Hook.Output, Table.Mangle) | chainBit(Hook.Output, Table.Filter);
  setPlace(namespace, NO_INTERFACE, egress.index);
  outputPath = begin(packet, namespace, Hook.Output, Node.LocalOut, tables);
  if (failure != Drop.None) return failure;
  if (isNoPath(outputPath)) {
    const mark = packet.mark;
    const reason = passTable(packet, namespace, Hook.Output, Table.Mangle, Node.LocalOut);
    if (reason != Drop.None) return reason;
    if (packet.mark != mark) {
      const obstacle = packet.dontFragment & CROSSING ? reroute(packet, namespace, destinationIn(packet)) : Drop.None;
      if (obstacle != Drop.None) return obstacle;
      if (MANY_HOSTS && namespace.hasPolicies) choosePolicy(packet, namespace);
    }
  }
  return passNat(packet, namespace, Hook.Output, Node.LocalOut, noDevice, egress);
}

/** What `passOutput` found to be known of the packet. */
let outputPath: Path = NO_PATH;

export function passOutputFilter(packet: Packet, namespace: Namespace): Drop {
  if (!isNoPath(outputPath)) return take(packet, outputPath) ? Drop.NetfilterDrop : Drop.None;
  const reason = passTable(packet, namespace, Hook.Output, Table.Filter, Node.LocalOut);
  remember(packet, Hook.Output, reason != Drop.None);
  return reason;
}

/** LocalIn, up to where IPVS looks at a packet; `passInputNat` is the rest. */
@inline export function passInput(packet: Packet, namespace: Namespace): Drop {
  setPlace(namespace, packet.device.index, NO_INTERFACE);
  return passFilter(packet, namespace, Hook.Input, Node.LocalIn);
}

export function passInputNat(packet: Packet, namespace: Namespace): Drop {
  const translation = passNat(packet, namespace, Hook.Input, Node.LocalIn, packet.device, noDevice);
  return translation != Drop.None ? translation : confirmPacket(packet);
}

@inline export function passForward(packet: Packet, namespace: Namespace, ingress: Device, egress: Device): Drop {
  setPlace(namespace, ingress.index, egress.index);
  return passFilter(packet, namespace, Hook.Forward, Node.Forward);
}

/** `ingress` is noDevice for what was made here. */
export function passPostrouting(packet: Packet, namespace: Namespace, ingress: Device, egress: Device): Drop {
  setPlace(namespace, ingress == noDevice ? NO_INTERFACE : ingress.index, egress.index);
  const reason = passFilter(packet, namespace, Hook.Postrouting, Node.Postrouting);
  if (reason != Drop.None) return reason;
  const translation = passNat(packet, namespace, Hook.Postrouting, Node.Postrouting, ingress, egress);
  return translation != Drop.None ? translation : confirmPacket(packet);
}

/** Why `begin` ends the hook. */
let failure: Drop = Drop.None;

/** raw and conntrack. The path that the hook's chains are known to lead to, or null. */
function begin(packet: Packet, namespace: Namespace, hook: Hook, node: Node, tables: u32): Path {
  failure = Drop.None;
  forgetWanted();
  if (!(namespace.filter & TRACKS) || stateOf(packet) != 0) {
    failure = passTable(packet, namespace, hook, Table.Raw, node);
    return NO_PATH;
  }
  const isSound = readTuple(packet, namespace, hook == Hook.Prerouting);
  const found = isSound && !isIcmpError() ? findTuple(tupleAddresses, tuplePorts) : NO_TUPLE;
  const tuple = changetype<usize>(found);
  const state = tuple != 0 ? stateOfTuple(tuple) : 0;
  const path = tuple != 0 && namespace.filter & tables ? recall(packet, namespace, tuple, state, hook) : NO_PATH;
  if (isNoPath(path)) {
    failure = passTable(packet, namespace, hook, Table.Raw, node);
    if (failure != Drop.None) return NO_PATH;
  }
  if (!isSound || stateOf(packet) != 0) return NO_PATH;
  failure = track(packet, namespace, found);
  if (failure != Drop.None || isNoPath(path) || (tupleOf(packet) == tuple && stateOf(packet) == state)) return path;
  // The protocol knew better. What raw says of the packet is known to be Accept, but it has to count.
  failure = passTable(packet, namespace, hook, Table.Raw, node);
  return NO_PATH;
}

/** One more packet takes a known path. True: it ends in a drop. */
@inline function take(packet: Packet, path: Path): bool {
  path.hits += 1;
  packet.mark = path.mark;
  return path.drops != 0;
}

/** Mangle and filter of a hook that has neither raw nor connection tracking. */
@inline function passFilter(packet: Packet, namespace: Namespace, hook: Hook, node: Node): Drop {
  const tables = chainBit(hook, Table.Mangle) | chainBit(hook, Table.Filter);
  if (!(namespace.filter & tables)) return Drop.None;
  const path = recallCarried(packet, namespace, hook);
  if (!isNoPath(path)) return take(packet, path) ? Drop.NetfilterDrop : Drop.None;
  return passFilterSlowly(packet, namespace, hook, node);
}

function passFilterSlowly(packet: Packet, namespace: Namespace, hook: Hook, node: Node): Drop {
  let reason = passTable(packet, namespace, hook, Table.Mangle, node);
  if (reason == Drop.None) reason = passTable(packet, namespace, hook, Table.Filter, node);
  remember(packet, hook, reason != Drop.None);
  return reason;
}

/** One table, if it has a chain there. */
@inline function passTable(packet: Packet, namespace: Namespace, hook: Hook, table: Table, node: Node): Drop {
  return namespace.filter & chainBit(hook, table) ? askTable(packet, hook, table, node) : Drop.None;
}

function askTable(packet: Packet, hook: Hook, table: Table, node: Node): Drop {
  const target = traverse(packet, hook, table, node);
  if (target == Target.Accept) return Drop.None;
  if (target == Target.Reject) {
    // Each packet gets its own answer.
    forgetWanted();
    reject(packet, node);
  }
  return Drop.NetfilterDrop;
}

@inline function passNat(packet: Packet, namespace: Namespace, hook: Hook, node: Node, ingress: Device, egress: Device): Drop {
  return namespace.filter & TRANSLATES && carriesEntry(packet) ? nat(packet, namespace, hook, node, ingress, egress) : Drop.None;
}
