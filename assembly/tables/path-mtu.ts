/**
 * Learned path MTUs. Key: stack and destination. Value: MTU and when it expires. Capacity: PATH_MTU_MAX; when they are all
 * in use, the first expired one makes room, and if there is none the new one is not stored.
 */
import { PATH_MTU_EXPIRES_NS, PATH_MTU6_MIN, PATH_MTU_MAX, PATH_MTU_MIN } from "../abi/limits";
import { HashTable } from "../memory/hash-table";
import { clock } from "../simulation/clock";
import { Namespace } from "./namespace";

@unmanaged
class PathMtu {
  key: u64;
  expires: i64;
  mtu: u32;
}

const ENTRY_BYTES: usize = 24;
const ENTRIES = memory.data(24 * 1024, 8);
const TABLE = changetype<HashTable>(memory.data(16, 8));

let count: u32 = 0;

export function reservePathMtus(): void {
  if (offsetof<PathMtu>() > ENTRY_BYTES) ERROR("PathMtu outgrew its stride");
  if (PATH_MTU_MAX != 1024) ERROR("ENTRIES: abi/limits.ts disagrees");
  TABLE.reserve(PATH_MTU_MAX);
}

@inline function entryAt(index: u32): PathMtu {
  return changetype<PathMtu>(ENTRIES + <usize>index * ENTRY_BYTES);
}

@inline function keyOf(namespace: Namespace, destination: u32): u64 {
  return <u64>destination | (<u64>(namespace.key + 1) << 32);
}

/** The device's MTU, or a smaller one that the path is known to have. */
@inline export function pathMtu(namespace: Namespace, destination: u32, deviceMtu: u32): u32 {
  return count == 0 ? deviceMtu : find(keyOf(namespace, destination), deviceMtu);
}

function find(key: u64, deviceMtu: u32): u32 {
  const address = TABLE.find(key);
  if (address == 0) return deviceMtu;
  const entry = changetype<PathMtu>(<usize>address);
  return clock < entry.expires ? min(entry.mtu, deviceMtu) : deviceMtu;
}

/** Keeps what an ICMP message says, if it is less than what is known. */
export function learnPathMtu(namespace: Namespace, destination: u32, claimed: u32): void {
  const key = keyOf(namespace, destination);
  const mtu = max<u32>(claimed, namespace.isIpv6 ? PATH_MTU6_MIN : PATH_MTU_MIN);
  let entry = changetype<PathMtu>(<usize>TABLE.find(key));
  if (changetype<usize>(entry) == 0) {
    entry = takeEntry();
    if (changetype<usize>(entry) == 0) return;
    entry.key = key;
    rebuild();
  } else if (clock < entry.expires && entry.mtu <= mtu) {
    return;
  }
  entry.mtu = mtu;
  entry.expires = clock + <i64>PATH_MTU_EXPIRES_NS;
}

function takeEntry(): PathMtu {
  if (count < <u32>PATH_MTU_MAX) return entryAt(count++);
  for (let index: u32 = 0; index < <u32>PATH_MTU_MAX; index++) if (clock >= entryAt(index).expires) return entryAt(index);
  return changetype<PathMtu>(0);
}

function rebuild(): void {
  TABLE.clear();
  for (let index: u32 = 0; index < count; index++) TABLE.insert(entryAt(index).key, <u32>changetype<usize>(entryAt(index)));
}
