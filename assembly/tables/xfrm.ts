/**
 * IPsec: policies, security associations and keys. Keys: a policy's is namespace, source, destination and mark (the first of those that
 * agree in protocol and port wins), an association's namespace, destination and SPI, a key's its bytes: equal ones share one place.
 * Capacities: `capacity.policies`, `capacity.sas`, `capacity.keys`. A new program replaces them all; associations that stay go on.
 */
import { CAPACITY_KEYS, CAPACITY_POLICIES, CAPACITY_SAS, Section } from "../abi/image";
import { NONE } from "../abi/version";
import {
  KEY_BYTES,
  KEY_LENGTH,
  KEY_SIZE,
  POLICY_DESTINATION,
  POLICY_MARK,
  POLICY_NAMESPACE,
  POLICY_PORT,
  POLICY_PROTOCOL,
  POLICY_SA,
  POLICY_SIZE,
  POLICY_SOURCE,
  SA_DESTINATION,
  SA_FLAGS,
  SA_KEY,
  SA_NAMESPACE,
  SA_REPLAY_WINDOW,
  SA_SALT,
  SA_SIZE,
  SA_SIZED,
  SA_SPI,
} from "../abi/xfrm";
import { GCM_KEY, setKey } from "../crypto/gcm";
import { powerOfTwo, reserve } from "../memory/arena";
import { capacity, record, recordCount } from "../memory/image";
import { finalize } from "../simulation/random";
import { load32 } from "../wire/bytes";
import { Namespace, namespaceAt, namespaceCount } from "./namespace";

@unmanaged
export class Policy {
  namespace: u32;
  source: u32;
  destination: u32;
  mark: u32;
  protocol: u32;
  port: u32;
  /** Null: what should go out is dropped. */
  sa: Sa;
  /** The next one of the same bucket, or null. */
  next: usize;
}

@unmanaged
export class Sa {
  /** Bit n: the number `highest` - n came. */
  window: u64;
  namespace: u32;
  destination: u32;
  spi: u32;
  salt: u32;
  key: Key;
  /** Of the key when the association began. */
  keyAge: u32;
  replayWindow: u32;
  isSized: bool;
  /** Of the last packet that went out, and the highest one that came. */
  sequence: u32;
  highest: u32;
  next: usize;
}

/** Behind it lie the tables of the cipher. */
@unmanaged
export class Key {
  length: u32;
  /** Its first four bytes, in reading order. */
  word: u32;
  /** Grows when it becomes another key; 0: it has never been one. */
  age: u32;
  /** The program in force has it. */
  isKept: bool;
  bytes0: u64;
  bytes1: u64;
  bytes2: u64;
  bytes3: u64;
}

const POLICY_BYTES: usize = 32;
const SA_BYTES: usize = 56;
const KEY_HEADER: usize = 64;

let policies: usize = 0;
let policyBuckets: usize = 0;
let policyMask: u32 = 0;
let sas: usize = 0;
let spareSas: usize = 0;
let saBuckets: usize = 0;
let saMask: u32 = 0;
let saCount: u32 = 0;
let keys: usize = 0;
let keyCapacity: u32 = 0;
/** Of the program in the image: the key of each record, u32 addresses. */
let keyOfRecord: usize = 0;

export function reserveXfrm(): void {
  if (offsetof<Policy>() > POLICY_BYTES) ERROR("Policy outgrew its stride");
  if (offsetof<Sa>() > SA_BYTES) ERROR("Sa outgrew its stride");
  if (offsetof<Key>() > KEY_HEADER) ERROR("Key outgrew its stride");
  const policyCapacity = capacity(CAPACITY_POLICIES);
  const saCapacity = capacity(CAPACITY_SAS);
  keyCapacity = capacity(CAPACITY_KEYS);
  policies = reserve(policyCapacity, POLICY_BYTES);
  policyMask = <u32>powerOfTwo(max<u64>(<u64>policyCapacity * 2, 16)) - 1;
  policyBuckets = reserve(<u64>policyMask + 1, 4);
  sas = reserve(saCapacity, SA_BYTES);
  spareSas = reserve(saCapacity, SA_BYTES);
  saMask = <u32>powerOfTwo(max<u64>(<u64>saCapacity * 2, 16)) - 1;
  saBuckets = reserve(<u64>saMask + 1, 4);
  keys = reserve(keyCapacity, KEY_HEADER + GCM_KEY);
  keyOfRecord = reserve(keyCapacity, 4);
}

export function fillXfrm(): void {
  for (let index: u32 = 0; index < namespaceCount; index++) {
    namespaceAt(index).hasPolicies = false;
    namespaceAt(index).knowsEsp = false;
  }
  fillKeys();
  fillSas();
  fillPolicies();
}

@inline function keyAt(index: u32): Key {
  return changetype<Key>(keys + <usize>index * (KEY_HEADER + GCM_KEY));
}

/** Address of what the cipher needs. */
@inline export function cipherOf(key: Key): usize {
  return changetype<usize>(key) + KEY_HEADER;
}

/** Keys that are there already first, then the others in the places that are left. */
function fillKeys(): void {
  const count = recordCount(Section.Keys);
  for (let index: u32 = 0; index < keyCapacity; index++) keyAt(index).isKept = false;
  for (let index: u32 = 0; index < count; index++) noteKey(index, findKey(record(Section.Keys, index, KEY_SIZE), false));
  for (let index: u32 = 0; index < count; index++) {
    if (load<u32>(keyOfRecord + (<usize>index << 2)) == 0) noteKey(index, placeKey(record(Section.Keys, index, KEY_SIZE)));
  }
}

function noteKey(index: u32, key: Key): void {
  store<u32>(keyOfRecord + (<usize>index << 2), <u32>changetype<usize>(key));
  if (changetype<usize>(key) != 0) key.isKept = true;
}

/** The key with the bytes of a record, or null. */
function findKey(from: usize, isKept: bool): Key {
  const length = load<u32>(from, KEY_LENGTH);
  for (let index: u32 = 0; index < keyCapacity; index++) {
    const key = keyAt(index);
    if (key.age == 0 || key.length != length || (isKept && !key.isKept)) continue;
    if (memory.compare(changetype<usize>(key) + offsetof<Key>("bytes0"), from + KEY_BYTES, length) == 0) return key;
  }
  return changetype<Key>(0);
}

/** A record before may have placed the same bytes. */
function placeKey(from: usize): Key {
  const known = findKey(from, true);
  if (changetype<usize>(known) != 0) return known;
  let index: u32 = 0;
  while (keyAt(index).isKept) index++;
  const key = keyAt(index);
  key.length = load<u32>(from, KEY_LENGTH);
  key.word = load32(from + KEY_BYTES);
  key.age++;
  memory.copy(changetype<usize>(key) + offsetof<Key>("bytes0"), from + KEY_BYTES, key.length);
  setKey(cipherOf(key), from + KEY_BYTES, key.length);
  return key;
}

@inline function saAt(index: u32): Sa {
  return changetype<Sa>(sas + <usize>index * SA_BYTES);
}

@inline function saBucket(namespace: u32, destination: u32, spi: u32): usize {
  return saBuckets + (<usize>(finalize(spi ^ rotl<u32>(destination, 16) ^ (namespace * 0x9e3779b1)) & saMask) << 2);
}

/** By what a packet that comes in says, or null. */
export function findSa(namespace: u32, destination: u32, spi: u32): Sa {
  let at = <usize>load<u32>(saBucket(namespace, destination, spi));
  while (at != 0) {
    const sa = changetype<Sa>(at);
    if (sa.spi == spi && sa.destination == destination && sa.namespace == namespace) return sa;
    at = sa.next;
  }
  return changetype<Sa>(0);
}

/** New associations are made beside the old ones, whose numbers those that stay take over. */
function fillSas(): void {
  const old = sas;
  sas = spareSas;
  spareSas = old;
  saCount = recordCount(Section.Sas);
  for (let index: u32 = 0; index < saCount; index++) fillSa(saAt(index), record(Section.Sas, index, SA_SIZE));
  memory.fill(saBuckets, 0, (<usize>saMask + 1) << 2);
  for (let index: u32 = 0; index < saCount; index++) {
    const sa = saAt(index);
    const bucket = saBucket(sa.namespace, sa.destination, sa.spi);
    sa.next = <usize>load<u32>(bucket);
    store<u32>(bucket, <u32>changetype<usize>(sa));
    namespaceAt(sa.namespace).knowsEsp = true;
  }
}

function fillSa(sa: Sa, from: usize): void {
  sa.namespace = load<u32>(from, SA_NAMESPACE);
  sa.destination = load<u32>(from, SA_DESTINATION);
  sa.spi = load<u32>(from, SA_SPI);
  sa.salt = load<u32>(from, SA_SALT);
  sa.key = changetype<Key>(<usize>load<u32>(keyOfRecord + (<usize>load<u32>(from, SA_KEY) << 2)));
  sa.keyAge = sa.key.age;
  sa.replayWindow = load<u32>(from, SA_REPLAY_WINDOW);
  sa.isSized = (load<u32>(from, SA_FLAGS) & SA_SIZED) != 0;
  const before = findSa(sa.namespace, sa.destination, sa.spi);
  const isSame = changetype<usize>(before) != 0 && before.salt == sa.salt && before.key == sa.key && before.keyAge == sa.keyAge;
  sa.sequence = isSame ? before.sequence : 0;
  const remembers = isSame && before.replayWindow == sa.replayWindow;
  sa.highest = remembers ? before.highest : 0;
  sa.window = remembers ? before.window : 0;
}

/** RFC 4303 §3.4.3: whether a number may come (again). */
export function isFresh(sa: Sa, sequence: u32): bool {
  if (sa.replayWindow == 0 || sequence > sa.highest) return sa.replayWindow == 0 || sequence != 0;
  const behind = sa.highest - sequence;
  return sequence != 0 && behind < sa.replayWindow && ((sa.window >> behind) & 1) == 0;
}

/** The number has come. */
export function noteSequence(sa: Sa, sequence: u32): void {
  if (sa.replayWindow == 0) return;
  if (sequence <= sa.highest) {
    sa.window |= <u64>1 << (sa.highest - sequence);
    return;
  }
  const ahead = sequence - sa.highest;
  sa.window = ahead < 64 ? (sa.window << ahead) | 1 : 1;
  sa.highest = sequence;
}

@inline function policyAt(index: u32): Policy {
  return changetype<Policy>(policies + <usize>index * POLICY_BYTES);
}

@inline function policyBucket(namespace: u32, source: u32, destination: u32, mark: u32): usize {
  const hash = finalize(source ^ rotl<u32>(destination, 16) ^ (mark * 0x85ebca6b) ^ (namespace * 0x9e3779b1));
  return policyBuckets + (<usize>(hash & policyMask) << 2);
}

/** Backwards, so that the first of those that agree is found first. */
function fillPolicies(): void {
  memory.fill(policyBuckets, 0, (<usize>policyMask + 1) << 2);
  for (let index = recordCount(Section.Policies); index > 0; index--) {
    const from = record(Section.Policies, index - 1, POLICY_SIZE);
    const policy = policyAt(index - 1);
    const sa = load<u32>(from, POLICY_SA);
    policy.namespace = load<u32>(from, POLICY_NAMESPACE);
    policy.source = load<u32>(from, POLICY_SOURCE);
    policy.destination = load<u32>(from, POLICY_DESTINATION);
    policy.mark = load<u32>(from, POLICY_MARK);
    policy.protocol = load<u32>(from, POLICY_PROTOCOL);
    policy.port = load<u32>(from, POLICY_PORT);
    policy.sa = sa == NONE ? changetype<Sa>(0) : saAt(sa);
    const bucket = policyBucket(policy.namespace, policy.source, policy.destination, policy.mark);
    policy.next = <usize>load<u32>(bucket);
    store<u32>(bucket, <u32>changetype<usize>(policy));
    namespaceAt(policy.namespace).hasPolicies = true;
  }
}

/** The first policy for a packet, or null. */
export function findPolicy(namespace: Namespace, source: u32, destination: u32, mark: u32, protocol: u32, port: u32): Policy {
  let at = <usize>load<u32>(policyBucket(namespace.index, source, destination, mark));
  while (at != 0) {
    const policy = changetype<Policy>(at);
    at = policy.next;
    if (policy.source != source || policy.destination != destination || policy.mark != mark || policy.namespace != namespace.index) continue;
    if ((policy.protocol == 0 || policy.protocol == protocol) && (policy.port == 0 || policy.port == port)) return policy;
  }
  return changetype<Policy>(0);
}
