/**
 * Finds the rules of a long chain that a packet could match, without trying the others. Key: chain, and the values of all exact
 * tests of a rule; rules with the same set of tests (the same devices, prefix lengths, protocol, single ports) form a kind, and a
 * packet has one key per kind. Value: the rules of that key, in the chain's order. What is found is still matched in full, so two
 * keys that fall together only cost time (tuple space search: Srinivasan, Suri, Varghese 1999).
 */
import {
  MATCH_DESTINATION,
  MATCH_DESTINATION_PORT,
  MATCH_IN,
  MATCH_OUT,
  MATCH_PROTOCOL,
  MATCH_SOURCE,
  MATCH_SOURCE_PORT,
  RULE_DESTINATION,
  RULE_DESTINATION_MASK,
  RULE_DESTINATION_PORT_FROM,
  RULE_DESTINATION_PORT_TO,
  RULE_IN,
  RULE_INVERTS,
  RULE_MATCHES,
  RULE_OUT,
  RULE_PROTOCOL,
  RULE_SIZE,
  RULE_SOURCE,
  RULE_SOURCE_MASK,
  RULE_SOURCE_PORT_FROM,
  RULE_SOURCE_PORT_TO,
} from "../abi/netfilter";
import { powerOfTwo, reserve } from "../memory/arena";
import {
  DESTINATION,
  destinationPort as packetDestinationPort,
  inDevice,
  outDevice,
  protocol as packetProtocol,
  SOURCE,
  sourcePort as packetSourcePort,
} from "../netfilter/inspect";

/** Chains of fewer rules are tried rule by rule. */
const RULES_MIN: u32 = 9;
/** Kinds of one chain; rules of further kinds are filed under those that test nothing. */
export const KINDS_MAX: u32 = 16;
const EXACT: u32 = MATCH_IN | MATCH_OUT | MATCH_SOURCE | MATCH_DESTINATION | MATCH_PROTOCOL | MATCH_SOURCE_PORT | MATCH_DESTINATION_PORT;
const FIBONACCI: u64 = 0x9e3779b97f4a7c15;

/** Which tests, and the masks of both addresses. */
@unmanaged
class Kind {
  fields: u32;
  padding: u32;
  sourceMaskLow: u64;
  sourceMaskHigh: u64;
  destinationMaskLow: u64;
  destinationMaskHigh: u64;
}

@unmanaged
export class Classifier {
  chain: u32;
  kindCount: u32;
}

/** The rules of one key. */
@unmanaged
class Bucket {
  /** 0: the place is free. */
  key: u64;
  first: u32;
  count: u32;
}

const KIND_BYTES: usize = 40;
const CLASSIFIER_HEADER: usize = 8;
const CLASSIFIER_BYTES: usize = CLASSIFIER_HEADER + <usize>KINDS_MAX * KIND_BYTES;
const BUCKET_BYTES: usize = 16;

let classifiers: usize = 0;
let buckets: usize = 0;
let bucketMask: u32 = 0;
let bucketShift: u32 = 0;
/** Addresses of rules, u32 each. */
let lists: usize = 0;
let listEnd: usize = 0;

export function reserveClassifiers(chains: u32, rules: u32): void {
  if (offsetof<Kind>() > KIND_BYTES) ERROR("Kind outgrew its stride");
  if (offsetof<Classifier>() > CLASSIFIER_HEADER) ERROR("Classifier outgrew its header");
  classifiers = reserve(classifiedMost(chains, rules), CLASSIFIER_BYTES);
  buckets = reserve(sizeBuckets(rules), BUCKET_BYTES);
  lists = reserve(rules, 4);
}

/** Of so many chains with so many rules no more can be long. */
function classifiedMost(chains: u32, rules: u32): u32 {
  return min(chains, rules / RULES_MIN);
}

function sizeBuckets(rules: u32): u64 {
  const size = powerOfTwo(max<u64>(<u64>rules * 2, 16));
  bucketMask = <u32>(size - 1);
  bucketShift = <u32>(64 - ctz(size));
  return size;
}

let classifierCount: u32 = 0;

/** Forgets all chains. */
export function startClassifiers(): void {
  classifierCount = 0;
  listEnd = lists;
  memory.fill(buckets, 0, (<usize>bucketMask + 1) * BUCKET_BYTES);
}

/** The classifier of a chain whose rules lie at [first, end), or 0: it is short. */
export function buildClassifier(chain: u32, first: usize, end: usize): usize {
  if ((end - first) / RULE_SIZE < RULES_MIN) return 0;
  const classifier = changetype<Classifier>(classifiers + <usize>classifierCount * CLASSIFIER_BYTES);
  classifierCount++;
  classifier.chain = chain;
  classifier.kindCount = 1;
  // The first kind tests nothing.
  memory.fill(changetype<usize>(kindAt(classifier, 0)), 0, KIND_BYTES);
  for (let rule = first; rule < end; rule += RULE_SIZE) bucketOf(keyOfRule(classifier, kindOf(classifier, rule), rule)).count++;
  for (let rule = first; rule < end; rule += RULE_SIZE) {
    const bucket = bucketOf(keyOfRule(classifier, kindOf(classifier, rule), rule));
    if (bucket.first == 0) {
      bucket.first = <u32>listEnd;
      listEnd += <usize>bucket.count << 2;
      bucket.count = 0;
    }
    store<u32>(<usize>bucket.first + (<usize>bucket.count << 2), <u32>rule);
    bucket.count++;
  }
  return changetype<usize>(classifier);
}

@inline function kindAt(classifier: Classifier, index: u32): Kind {
  return changetype<Kind>(changetype<usize>(classifier) + CLASSIFIER_HEADER + <usize>index * KIND_BYTES);
}

/** The tests of a rule that compare with one value. */
function exactTests(rule: usize): u32 {
  let fields = load<u32>(rule, RULE_MATCHES) & ~load<u32>(rule, RULE_INVERTS) & EXACT;
  if (load<u32>(rule, RULE_SOURCE_PORT_FROM) != load<u32>(rule, RULE_SOURCE_PORT_TO)) fields &= ~MATCH_SOURCE_PORT;
  if (load<u32>(rule, RULE_DESTINATION_PORT_FROM) != load<u32>(rule, RULE_DESTINATION_PORT_TO)) fields &= ~MATCH_DESTINATION_PORT;
  return fields;
}

/** The kind of a rule, which is added if there is room for it; else the one that tests nothing. */
function kindOf(classifier: Classifier, rule: usize): u32 {
  const fields = exactTests(rule);
  const tests = (fields & MATCH_SOURCE) != 0;
  const sourceLow = tests ? load<u64>(rule, RULE_SOURCE_MASK) : 0;
  const sourceHigh = tests ? load<u64>(rule, RULE_SOURCE_MASK + 8) : 0;
  const testsDestination = (fields & MATCH_DESTINATION) != 0;
  const destinationLow = testsDestination ? load<u64>(rule, RULE_DESTINATION_MASK) : 0;
  const destinationHigh = testsDestination ? load<u64>(rule, RULE_DESTINATION_MASK + 8) : 0;
  for (let index: u32 = 0; index < classifier.kindCount; index++) {
    const kind = kindAt(classifier, index);
    if (kind.fields != fields || kind.sourceMaskLow != sourceLow || kind.sourceMaskHigh != sourceHigh) continue;
    if (kind.destinationMaskLow == destinationLow && kind.destinationMaskHigh == destinationHigh) return index;
  }
  if (classifier.kindCount == KINDS_MAX) return 0;
  const kind = kindAt(classifier, classifier.kindCount);
  kind.fields = fields;
  kind.sourceMaskLow = sourceLow;
  kind.sourceMaskHigh = sourceHigh;
  kind.destinationMaskLow = destinationLow;
  kind.destinationMaskHigh = destinationHigh;
  return classifier.kindCount++;
}

@inline function mix(key: u64, word: u64): u64 {
  return rotl<u64>((key ^ word) * FIBONACCI, 29);
}

@inline function mixAddress(key: u64, address: usize, maskLow: u64, maskHigh: u64): u64 {
  return mix(mix(key, load<u64>(address) & maskLow), load<u64>(address, 8) & maskHigh);
}

@inline function startKey(classifier: Classifier, index: u32): u64 {
  return mix(<u64>classifier.chain << 8, <u64>index + 1);
}

function keyOfRule(classifier: Classifier, index: u32, rule: usize): u64 {
  const kind = kindAt(classifier, index);
  const fields = kind.fields;
  let key = startKey(classifier, index);
  if (fields & MATCH_IN) key = mix(key, load<u32>(rule, RULE_IN));
  if (fields & MATCH_OUT) key = mix(key, load<u32>(rule, RULE_OUT));
  if (fields & MATCH_SOURCE) key = mixAddress(key, rule + RULE_SOURCE, kind.sourceMaskLow, kind.sourceMaskHigh);
  if (fields & MATCH_DESTINATION) key = mixAddress(key, rule + RULE_DESTINATION, kind.destinationMaskLow, kind.destinationMaskHigh);
  if (fields & MATCH_PROTOCOL) key = mix(key, load<u32>(rule, RULE_PROTOCOL));
  if (fields & MATCH_SOURCE_PORT) key = mix(key, load<u32>(rule, RULE_SOURCE_PORT_FROM));
  if (fields & MATCH_DESTINATION_PORT) key = mix(key, load<u32>(rule, RULE_DESTINATION_PORT_FROM));
  return key | 1;
}

@inline function keyOfPacket(classifier: Classifier, index: u32): u64 {
  const kind = kindAt(classifier, index);
  const fields = kind.fields;
  let key = startKey(classifier, index);
  if (fields & MATCH_IN) key = mix(key, inDevice);
  if (fields & MATCH_OUT) key = mix(key, outDevice);
  if (fields & MATCH_SOURCE) key = mixAddress(key, SOURCE, kind.sourceMaskLow, kind.sourceMaskHigh);
  if (fields & MATCH_DESTINATION) key = mixAddress(key, DESTINATION, kind.destinationMaskLow, kind.destinationMaskHigh);
  if (fields & MATCH_PROTOCOL) key = mix(key, packetProtocol);
  if (fields & MATCH_SOURCE_PORT) key = mix(key, packetSourcePort);
  if (fields & MATCH_DESTINATION_PORT) key = mix(key, packetDestinationPort);
  return key | 1;
}

/** The bucket of the key, which is made if it is not there. */
function bucketOf(key: u64): Bucket {
  const bucket = findBucket(key);
  bucket.key = key;
  return bucket;
}

/** The bucket of the key, or the free place where it belongs. */
@inline function findBucket(key: u64): Bucket {
  let slot = <u32>((key * FIBONACCI) >> bucketShift);
  while (true) {
    const bucket = changetype<Bucket>(buckets + <usize>slot * BUCKET_BYTES);
    if (bucket.key == key || bucket.key == 0) return bucket;
    slot = (slot + 1) & bucketMask;
  }
}

/** Cursor: address of a list's next entry, and of its end, u32 each. */
export const CURSOR_BYTES: usize = 8;

/** Writes a cursor for each list that the packet under inspection has in a chain. Returns how many. */
export function openLists(classifier: Classifier, cursors: usize): u32 {
  let count: u32 = 0;
  for (let index: u32 = 0; index < classifier.kindCount; index++) {
    const bucket = findBucket(keyOfPacket(classifier, index));
    if (bucket.key == 0) continue;
    const cursor = cursors + <usize>count * CURSOR_BYTES;
    store<u32>(cursor, bucket.first);
    store<u32>(cursor, bucket.first + (bucket.count << 2), 4);
    count++;
  }
  return count;
}

/** The first rule that any of the lists still has, which is taken off it; 0: they are at their ends. */
export function nextCandidate(cursors: usize, count: u32): usize {
  let first: usize = 0xffffffff;
  let taken: usize = 0;
  for (let index: u32 = 0; index < count; index++) {
    const cursor = cursors + <usize>index * CURSOR_BYTES;
    const at = load<u32>(cursor);
    if (at == load<u32>(cursor, 4)) continue;
    const rule = <usize>load<u32>(<usize>at);
    if (rule >= first) continue;
    first = rule;
    taken = cursor;
  }
  if (taken == 0) return 0;
  store<u32>(taken, load<u32>(taken) + 4);
  return first;
}
