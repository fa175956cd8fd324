/**
 * Routes. Key: namespace and destination; the longest prefix wins, then the lowest metric, then the lowest index. Routes change
 * with the program only, so decisions are remembered: a cache of CACHE_ENTRIES, where a new decision replaces the one in its place.
 */
import { CAPACITY_ROUTES, Section } from "../abi/image";
import {
  ROUTE_DESTINATION,
  ROUTE_DEVICE,
  ROUTE_GATEWAY,
  ROUTE_METRIC,
  ROUTE_NAMESPACE,
  ROUTE_PREFIX,
  ROUTE_SIZE,
  ROUTE_SOURCE,
  ROUTE_TYPE,
  RouteType,
} from "../abi/program";
import { NONE } from "../abi/version";
import { reserve } from "../memory/arena";
import { capacity, record, recordCount } from "../memory/image";
import { Device, deviceAt, noDevice } from "./device";
import { Namespace, namespaceAt, namespaceCount } from "./namespace";

@unmanaged
export class Route {
  destination: u32;
  mask: u32;
  type: RouteType;
  device: Device;
  gateway: u32;
  source: u32;
  metric: u32;
}

/** What is known of an address in a namespace. */
@unmanaged
export class Decision {
  /** Index + 1; 0: nothing is known. */
  namespace: u32;
  ip: u32;
  /** Null: there is no route. */
  route: Route;
  /** Whether the address belongs to a device of the namespace. */
  isOwn: bool;
}

const ROUTE_BYTES: usize = 32;
const CACHE_BITS: u32 = 12;
const DECISION_BITS: usize = 4;
const CACHE = memory.data(1 << (12 + 4), 16);

let routes: usize = 0;

export function reserveRoutes(): void {
  if (offsetof<Route>() > ROUTE_BYTES) ERROR("Route outgrew its stride");
  if (offsetof<Decision>() > 1 << DECISION_BITS) ERROR("Decision outgrew its stride");
  routes = reserve(capacity(CAPACITY_ROUTES), ROUTE_BYTES);
}

@inline export function hasRoute(decision: Decision): bool {
  return changetype<usize>(decision.route) != 0;
}

/** The decision lives until the next call. */
@inline export function lookup(namespace: Namespace, ip: u32): Decision {
  const key = namespace.index + 1;
  const slot = ((ip ^ (key * 0x85ebca6b)) * 0x9e3779b1) >> (32 - CACHE_BITS);
  const decision = changetype<Decision>(CACHE + (<usize>slot << DECISION_BITS));
  if (decision.ip != ip || decision.namespace != key) decide(decision, namespace, ip);
  return decision;
}

function decide(decision: Decision, namespace: Namespace, ip: u32): void {
  decision.namespace = namespace.index + 1;
  decision.ip = ip;
  decision.route = changetype<Route>(0);
  for (let index: u32 = 0; index < namespace.routeCount; index++) {
    const route = changetype<Route>(namespace.routes + <usize>index * ROUTE_BYTES);
    if ((ip & route.mask) != route.destination) continue;
    decision.route = route;
    break;
  }
  decision.isOwn = false;
  for (let index: u32 = 0; index < namespace.addressCount; index++) {
    if (load<u32>(namespace.addresses + (<usize>index << 2)) == ip) decision.isOwn = true;
  }
}

/** The source that a local sender gets who does not choose one; 0: none. */
export function sourceFor(route: Route, destination: u32): u32 {
  if (route.source != 0) return route.source;
  return route.type == RouteType.Local ? destination : route.device.firstAddress;
}

/** All routes anew; what was decided by the old ones is forgotten. */
export function fillRoutes(): void {
  const count = recordCount(Section.Routes);
  memory.fill(CACHE, 0, 1 << (CACHE_BITS + <u32>DECISION_BITS));
  for (let index: u32 = 0; index < namespaceCount; index++) namespaceAt(index).routeCount = 0;
  for (let index: u32 = 0; index < count; index++) namespaceAt(namespaceOf(index)).routeCount++;
  let at = routes;
  for (let index: u32 = 0; index < namespaceCount; index++) {
    const namespace = namespaceAt(index);
    namespace.routes = at;
    at += <usize>namespace.routeCount * ROUTE_BYTES;
    namespace.routeCount = 0;
  }
  for (let index: u32 = 0; index < count; index++) insertRoute(namespaceAt(namespaceOf(index)), record(Section.Routes, index, ROUTE_SIZE));
}

function namespaceOf(index: u32): u32 {
  return load<u32>(record(Section.Routes, index, ROUTE_SIZE), ROUTE_NAMESPACE);
}

/** Insertion sort: behind all routes that win over it, which includes equals of a lower index. */
function insertRoute(namespace: Namespace, from: usize): void {
  const prefix = load<u32>(from, ROUTE_PREFIX);
  const mask: u32 = prefix == 0 ? 0 : 0xffffffff << (32 - prefix);
  const metric = load<u32>(from, ROUTE_METRIC);
  let at = namespace.routes + <usize>namespace.routeCount * ROUTE_BYTES;
  namespace.routeCount++;
  for (; at > namespace.routes; at -= ROUTE_BYTES) {
    const previous = changetype<Route>(at - ROUTE_BYTES);
    if (previous.mask > mask || (previous.mask == mask && previous.metric <= metric)) break;
    memory.copy(at, at - ROUTE_BYTES, ROUTE_BYTES);
  }
  const route = changetype<Route>(at);
  const device = load<u32>(from, ROUTE_DEVICE);
  route.destination = load<u32>(from, ROUTE_DESTINATION) & mask;
  route.mask = mask;
  route.type = load<u32>(from, ROUTE_TYPE);
  route.device = device == NONE ? noDevice : deviceAt(device);
  route.gateway = load<u32>(from, ROUTE_GATEWAY);
  route.source = load<u32>(from, ROUTE_SOURCE);
  route.metric = metric;
}
