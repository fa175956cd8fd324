/**
 * Routes. Key: stack and destination; the longest prefix wins, then the lowest metric, then the lowest index. Routes change
 * with the program only, so decisions are remembered: a cache of CACHE_ENTRIES, where a new decision replaces the one in its place.
 */
import { CAPACITY_ROUTES, Section } from "../abi/image";
import {
  ROUTE6_DESTINATION,
  ROUTE6_DEVICE,
  ROUTE6_GATEWAY,
  ROUTE6_METRIC,
  ROUTE6_NAMESPACE,
  ROUTE6_PREFIX,
  ROUTE6_SIZE,
  ROUTE6_SOURCE,
  ROUTE6_TYPE,
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
import { commonPrefix6, noteWords6 } from "./address6";
import { Device, deviceAt, isNull, noDevice } from "./device";
import { chooseSource6, isOwn6, isWithheld6 } from "./interface6";
import { Namespace, namespaceAt, namespaceCount, stackAt, stackOf } from "./namespace";

@unmanaged
export class Route {
  destination: u32;
  /** Of IPv6: the length of the prefix. */
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
  /** Key of the stack + 1; 0: nothing is known. */
  namespace: u32;
  ip: u32;
  /** Null: there is no route. */
  route: Route;
  /** Whether the address belongs to a device of the namespace, and may be used. */
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
  routes = reserve(2 * <u64>capacity(CAPACITY_ROUTES), ROUTE_BYTES);
}

@inline export function hasRoute(decision: Decision): bool {
  return changetype<usize>(decision.route) != 0;
}

/** The decision lives until the next call. */
@inline export function lookup(namespace: Namespace, ip: u32): Decision {
  const key = namespace.key + 1;
  const slot = ((ip ^ (key * 0x85ebca6b)) * 0x9e3779b1) >> (32 - CACHE_BITS);
  const decision = changetype<Decision>(CACHE + (<usize>slot << DECISION_BITS));
  if (decision.ip != ip || decision.namespace != key) decide(decision, namespace, ip);
  return decision;
}

function decide(decision: Decision, namespace: Namespace, ip: u32): void {
  decision.namespace = namespace.key + 1;
  decision.ip = ip;
  decision.route = changetype<Route>(0);
  if (namespace.isIpv6) {
    decide6(decision, namespace, ip);
    return;
  }
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

function decide6(decision: Decision, stack: Namespace, ip: u32): void {
  decision.isOwn = isOwn6(stack, ip);
  for (let index: u32 = 0; index < stack.routeCount; index++) {
    const route = changetype<Route>(stack.routes + <usize>index * ROUTE_BYTES);
    if (commonPrefix6(route.destination, ip) < route.mask) continue;
    if (route.type != RouteType.Local || !isWithheld6(route.device, ip)) decision.route = route;
    return;
  }
}

@inline export function isNoRoute(route: Route): bool {
  return changetype<usize>(route) == 0;
}

/** The route to an address among those by a device; IPv4 counts those that refuse as well, whichever device they name. Null: none. */
export function routeBy(stack: Namespace, ip: u32, device: Device): Route {
  for (let index: u32 = 0; index < stack.routeCount; index++) {
    const route = changetype<Route>(stack.routes + <usize>index * ROUTE_BYTES);
    if (!covers(stack, route, ip)) continue;
    if (route.device == device || (route.type > RouteType.Broadcast && !stack.isIpv6)) return isWithheld(stack, route, ip) ? changetype<Route>(0) : route;
  }
  return changetype<Route>(0);
}

/** The route to an address of IPv6; among equals one by the device is the best. Null: none. */
export function routeRatherBy(stack: Namespace, ip: u32, device: Device): Route {
  let best = changetype<Route>(0);
  for (let index: u32 = 0; index < stack.routeCount; index++) {
    const route = changetype<Route>(stack.routes + <usize>index * ROUTE_BYTES);
    if (!covers(stack, route, ip)) continue;
    if (isNoRoute(best)) best = route;
    if (route.mask != best.mask || route.metric != best.metric) break;
    if (route.device != device) continue;
    best = route;
    break;
  }
  return isNoRoute(best) || isWithheld(stack, best, ip) ? changetype<Route>(0) : best;
}

@inline function covers(stack: Namespace, route: Route, ip: u32): bool {
  return stack.isIpv6 ? commonPrefix6(route.destination, ip) >= route.mask : (ip & route.mask) == route.destination;
}

/** Whether it leads to an address of one's own that is not to be used yet. */
function isWithheld(stack: Namespace, route: Route, ip: u32): bool {
  return stack.isIpv6 && route.type == RouteType.Local && isWithheld6(route.device, ip);
}

/** The device that a local sender's packets leave by, or null: it may not send there. */
export function outputDevice(stack: Namespace, route: Route): Device {
  if (changetype<usize>(route) == 0 || route.type > RouteType.Broadcast) return changetype<Device>(0);
  return route.type == RouteType.Local ? stack.loopback : route.device;
}

/** The source that a local sender gets who does not choose one; 0: none. */
export function sourceFor(stack: Namespace, route: Route, destination: u32): u32 {
  if (stack.isIpv6) {
    const device = outputDevice(stack, route);
    return isNull(device) ? 0 : chooseSource6(stack, route, destination, device);
  }
  if (route.source != 0) return route.source;
  return route.type == RouteType.Local ? destination : route.device.firstAddress;
}

/** Addresses or routes are other ones than before. */
export function forgetDecisions(): void {
  memory.fill(CACHE, 0, 1 << (CACHE_BITS + <u32>DECISION_BITS));
}

/** All routes anew; what was decided by the old ones is forgotten. */
export function fillRoutes(): void {
  const count = recordCount(Section.Routes);
  const count6 = recordCount(Section.Routes6);
  forgetDecisions();
  const stacks = namespaceCount << 1;
  for (let key: u32 = 0; key < stacks; key++) stackAt(key).routeCount = 0;
  for (let index: u32 = 0; index < count; index++) stackOfRoute(index, false).routeCount++;
  for (let index: u32 = 0; index < count6; index++) stackOfRoute(index, true).routeCount++;
  let at = routes;
  for (let key: u32 = 0; key < stacks; key++) {
    const stack = stackAt(key);
    stack.routes = at;
    at += <usize>stack.routeCount * ROUTE_BYTES;
    stack.routeCount = 0;
  }
  for (let index: u32 = 0; index < count; index++) fillRoute(index);
  for (let index: u32 = 0; index < count6; index++) fillRoute6(index);
}

function stackOfRoute(index: u32, isIpv6: bool): Namespace {
  const namespace = isIpv6
    ? load<u32>(record(Section.Routes6, index, ROUTE6_SIZE), ROUTE6_NAMESPACE)
    : load<u32>(record(Section.Routes, index, ROUTE_SIZE), ROUTE_NAMESPACE);
  return stackOf(namespaceAt(namespace), isIpv6);
}

function fillRoute(index: u32): void {
  const from = record(Section.Routes, index, ROUTE_SIZE);
  const prefix = load<u32>(from, ROUTE_PREFIX);
  const mask: u32 = prefix == 0 ? 0 : 0xffffffff << (32 - prefix);
  const route = insertRoute(stackOfRoute(index, false), mask, load<u32>(from, ROUTE_METRIC));
  const device = load<u32>(from, ROUTE_DEVICE);
  route.destination = load<u32>(from, ROUTE_DESTINATION) & mask;
  route.type = load<u32>(from, ROUTE_TYPE);
  route.device = device == NONE ? noDevice : deviceAt(device);
  route.gateway = load<u32>(from, ROUTE_GATEWAY);
  route.source = load<u32>(from, ROUTE_SOURCE);
}

function fillRoute6(index: u32): void {
  const from = record(Section.Routes6, index, ROUTE6_SIZE);
  const route = insertRoute(stackOfRoute(index, true), load<u32>(from, ROUTE6_PREFIX), load<u32>(from, ROUTE6_METRIC));
  const device = load<u32>(from, ROUTE6_DEVICE);
  route.destination = noteWords6(from + ROUTE6_DESTINATION);
  route.type = load<u32>(from, ROUTE6_TYPE);
  route.device = device == NONE ? noDevice : deviceAt(device);
  route.gateway = noteWords6(from + ROUTE6_GATEWAY);
  route.source = noteWords6(from + ROUTE6_SOURCE);
}

/** Insertion sort: behind all routes that win over it, which includes equals of a lower index. */
function insertRoute(stack: Namespace, mask: u32, metric: u32): Route {
  let at = stack.routes + <usize>stack.routeCount * ROUTE_BYTES;
  stack.routeCount++;
  for (; at > stack.routes; at -= ROUTE_BYTES) {
    const previous = changetype<Route>(at - ROUTE_BYTES);
    if (previous.mask > mask || (previous.mask == mask && previous.metric <= metric)) break;
    memory.copy(at, at - ROUTE_BYTES, ROUTE_BYTES);
  }
  const route = changetype<Route>(at);
  route.mask = mask;
  route.metric = metric;
  return route;
}
