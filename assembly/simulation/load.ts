/** Builds every table from the image of the program: first all of them are reserved, then memory is sealed, then they are filled. */
import { DNS_NAME_MAX } from "../abi/dns";
import {
  CAPACITY_CAPTURE_BYTES,
  CAPACITY_CONNECTIONS,
  CAPACITY_DOMAIN_BYTES,
  CAPACITY_DOMAINS,
  CAPACITY_EVENT_RECORDS,
  CAPACITY_EVENTS,
  CAPACITY_FDB,
  CAPACITY_FLOWS,
  CAPACITY_FRAME_BYTES,
  CAPACITY_NEIGHBOURS,
  CAPACITY_PACKETS,
  CAPACITY_SOCKETS,
  IMAGE_COPY_COST,
  IMAGE_COSTS,
  IMAGE_EXPONENTIAL,
} from "../abi/image";
import { LINK_SIZE, FLOW_SIZE } from "../abi/program";
import { reserveCapture } from "../graph/capture";
import { reserveRecords } from "../graph/trace";
import { reserve, seal } from "../memory/arena";
import { capacity, field } from "../memory/image";
import { reservePool } from "../memory/pool";
import { reserveConnections } from "../tables/connection";
import { reserveCounters } from "../tables/counters";
import { fillDevices, reserveDevices } from "../tables/device";
import { fillDomains, reserveDomains } from "../tables/domain";
import { fillFdb, reserveFdb } from "../tables/fdb";
import { fillRoutes, reserveRoutes } from "../tables/fib";
import { fillFlows, flowAt, flowCount, reserveFlows } from "../tables/flow";
import { fillAddresses, fillNamespaces, reserveNamespaces } from "../tables/namespace";
import { fillNeighbours, reserveNeighbours } from "../tables/neighbour";
import { reservePathMtus } from "../tables/path-mtu";
import { fillReassembly, reserveReassembly } from "../tables/reassembly";
import { fillSockets, reserveSockets } from "../tables/socket";
import { seedTcp } from "../tcp/connect";
import { fillPattern } from "../wire/payload";
import { setCosts } from "./cpu";
import { startDigest } from "./digest";
import { reserveQueue } from "./event-queue";
import { fillLinks, reserveLinks } from "./link";
import { setExponential, startFlow } from "./source";

/** Where the host writes one record of a patch, or one frame. */
export let input: usize = 0;

/** False: there is not as much memory as the program's capacity asks for. */
export function loadProgram(seed: u32): bool {
  reserveTables();
  if (!seal()) return false;
  fillTables(seed);
  for (let index: u32 = 0; index < flowCount; index++) startFlow(flowAt(index));
  return true;
}

function reserveTables(): void {
  input = reserve(max<u64>(capacity(CAPACITY_FRAME_BYTES), max(DNS_NAME_MAX, max(FLOW_SIZE, LINK_SIZE))) + 16, 1);
  reserveNamespaces();
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
  reserveDomains(capacity(CAPACITY_DOMAINS), capacity(CAPACITY_DOMAIN_BYTES));
}

function fillTables(seed: u32): void {
  fillPattern();
  setCosts(field(IMAGE_COSTS), load<f64>(field(IMAGE_COPY_COST)));
  setExponential(field(IMAGE_EXPONENTIAL));
  startDigest(seed);
  seedTcp(seed);
  fillNamespaces();
  fillLinks(seed);
  fillDevices();
  fillAddresses();
  fillRoutes();
  fillFdb();
  fillNeighbours();
  fillReassembly();
  fillDomains();
  fillSockets();
  fillFlows(seed);
}
