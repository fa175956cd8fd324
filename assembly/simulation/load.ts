/**
 * Builds every table from the image of the program: first all of them are reserved, then memory is sealed, then they are filled. A
 * program that comes later fills them again.
 */
import { DNS_NAME_MAX } from "../abi/dns";
import { Drop } from "../abi/drop";
import {
  CAPACITY_CAPTURE_BYTES,
  CAPACITY_CONNECTIONS,
  CAPACITY_CONNTRACK,
  CAPACITY_DOMAIN_BYTES,
  CAPACITY_DOMAINS,
  CAPACITY_EVENT_RECORDS,
  CAPACITY_EVENTS,
  CAPACITY_FDB,
  CAPACITY_FLOWS,
  CAPACITY_FRAME_BYTES,
  CAPACITY_NEIGHBOURS,
  CAPACITY_PACKETS,
  CAPACITY_SESSIONS,
  CAPACITY_SOCKETS,
  CAPACITY_STREAMS,
  IMAGE_CIPHER_COST,
  IMAGE_COPY_COST,
  IMAGE_COSTS,
  IMAGE_EXPONENTIAL,
  Section,
} from "../abi/image";
import { Node } from "../abi/node";
import { LINK_SIZE, FLOW_SIZE } from "../abi/program";
import { reserveCapture } from "../graph/capture";
import { drop } from "../graph/drop";
import { reserveRecords } from "../graph/trace";
import { reserve, seal } from "../memory/arena";
import { capacity, field, record, recordCount } from "../memory/image";
import { reservePool } from "../memory/pool";
import { seedDns } from "../processes/name-server";
import { dropStream } from "../processes/stream";
import { Connection, freeConnection, reserveConnections } from "../tables/connection";
import { fillAddresses6, reserveAddresses6 } from "../tables/address6";
import { reserveConntrack } from "../tables/conntrack";
import { reserveCounters } from "../tables/counters";
import { fillDevices, reserveDevices } from "../tables/device";
import { fillDomains, reserveDomains } from "../tables/domain";
import { fillFdb, reserveFdb } from "../tables/fdb";
import { fillRoutes, reserveRoutes } from "../tables/fib";
import { fillFlows, flowAt, flowCount, isSameFlow, reserveFlows, setFlow } from "../tables/flow";
import { fillInterfaces6, reserveInterfaces6 } from "../tables/interface6";
import { fillAddresses, fillNamespaces, reserveAddedHosts, reserveNamespaces } from "../tables/namespace";
import {
  dequeue,
  fillNeighbours,
  indexNeighbours,
  isFree,
  isStray,
  markPermanent,
  neighbourAt,
  neighbourCount,
  removeNeighbour,
  reserveNeighbours,
} from "../tables/neighbour";
import { reservePathMtus } from "../tables/path-mtu";
import { reservePayloads } from "../tables/payload";
import { fillReassembly, reserveReassembly } from "../tables/reassembly";
import { reserveIpvsConnections } from "../tables/ipvs-connection";
import { fillRuleset, reserveRuleset } from "../tables/ruleset";
import { reserveSessions } from "../tables/session";
import { fillSockets, reserveSockets } from "../tables/socket";
import { reserveStreams } from "../tables/stream";
import { fillVxlans, reserveVxlans } from "../tables/vxlan";
import { reserveServices } from "../tables/virtual-service";
import { fillXfrm, reserveXfrm } from "../tables/xfrm";
import { fillZones, reserveZones } from "../tables/zone";
import { seedTcp } from "../tcp/connect";
import { fillPattern } from "../wire/payload";
import { clock, now } from "./clock";
import { setCosts } from "./cpu";
import { startDigest } from "./digest";
import { reserveQueue } from "./event-queue";
import { fillLinks, reserveAddedLinks, reserveLinks } from "./link";
import { setExponential, startFlow } from "./source";

/** Where the host writes one record of a patch, or one frame. */
export let input: usize = 0;

let seed: u32 = 0;

/** False: there is not as much memory as the program's capacity asks for. */
export function loadProgram(withSeed: u32): bool {
  seed = withSeed;
  reserveTables();
  if (!seal()) return false;
  fillTables();
  for (let index: u32 = 0; index < flowCount; index++) startFlow(flowAt(index));
  return true;
}

function reserveTables(): void {
  input = reserve(max<u64>(capacity(CAPACITY_FRAME_BYTES), max(DNS_NAME_MAX, max(FLOW_SIZE, LINK_SIZE))) + 16, 1);
  reserveNamespaces();
  reserveAddresses6();
  reserveInterfaces6();
  reserveDevices();
  reserveRoutes();
  reserveLinks();
  reserveFdb(capacity(CAPACITY_FDB));
  reserveNeighbours(capacity(CAPACITY_NEIGHBOURS));
  reservePathMtus();
  reserveSockets(capacity(CAPACITY_SOCKETS));
  reserveFlows(capacity(CAPACITY_FLOWS));
  reserveCounters(capacity(CAPACITY_FLOWS));
  reserveConnections(capacity(CAPACITY_CONNECTIONS));
  reserveQueue(capacity(CAPACITY_EVENTS));
  reserveRecords(capacity(CAPACITY_EVENT_RECORDS));
  reserveCapture(capacity(CAPACITY_CAPTURE_BYTES));
  reservePool(capacity(CAPACITY_PACKETS), capacity(CAPACITY_FRAME_BYTES));
  reserveReassembly();
  reserveConntrack(capacity(CAPACITY_CONNTRACK));
  reserveRuleset();
  if (MANY_HOSTS != 0) {
    reserveServices();
    reserveIpvsConnections();
  }
  reserveDomains(capacity(CAPACITY_DOMAINS), capacity(CAPACITY_DOMAIN_BYTES));
  reserveZones();
  reserveSessions(capacity(CAPACITY_SESSIONS));
  reserveStreams(capacity(CAPACITY_STREAMS));
  if (MANY_HOSTS) {
    reserveVxlans();
    reserveXfrm();
    reservePayloads();
  }
}

function fillTables(): void {
  fillPattern();
  setCosts(field(IMAGE_COSTS), load<f64>(field(IMAGE_COPY_COST)), load<f64>(field(IMAGE_CIPHER_COST)));
  setExponential(field(IMAGE_EXPONENTIAL));
  startDigest(seed);
  seedTcp(seed);
  seedDns(seed);
  fillAddresses6();
  fillNetwork();
  fillReassembly();
  fillSockets();
  fillFlows(seed);
}

/** What a later program replaces. */
function fillNetwork(): void {
  fillNamespaces();
  fillLinks(seed);
  fillDevices();
  fillAddresses();
  fillInterfaces6();
  fillRoutes();
  fillRuleset();
  if (MANY_HOSTS) {
    fillVxlans();
    fillXfrm();
  }
  fillFdb();
  forgetNeighbours();
  fillNeighbours();
  fillDomains();
  fillZones();
}

/** Takes over another program while the network runs. False: there is no memory for it, and everything is as it was. */
export function reloadProgram(): bool {
  clock = now;
  if (!reserveAddedHosts() || !reserveAddedLinks()) return false;
  fillNetwork();
  const flows = recordCount(Section.Flows);
  for (let index: u32 = 0; index < flows; index++) {
    const from = record(Section.Flows, index, FLOW_SIZE);
    if (!isSameFlow(index, from)) replaceFlow(index, from);
  }
  fillSockets();
  return true;
}

/** Appends or replaces. A client's connection goes without a word; the first message is due at once, or when the flow starts. */
export function replaceFlow(index: u32, from: usize): void {
  if (index < flowCount && flowAt(index).connection != 0) {
    const connection = changetype<Connection>(flowAt(index).connection);
    dropStream(connection);
    freeConnection(connection);
  }
  setFlow(index, from);
  startFlow(flowAt(index));
}

/** neigh_flush_dev: what waits goes without a word to its senders. */
function forgetNeighbours(): void {
  markPermanent();
  for (let index: u32 = 0; index < neighbourCount; index++) {
    const entry = neighbourAt(index);
    if (isFree(entry) || !isStray(entry)) continue;
    while (entry.queueCount != 0) drop(dequeue(entry), Drop.DevReady, Node.NeighbourOutput);
    removeNeighbour(entry);
  }
  indexNeighbours();
}
