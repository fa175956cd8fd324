import { Forwarding, Scheduler } from "../../assembly/abi/ipvs";
import { Family } from "../../assembly/abi/netfilter";
import { SimulationError } from "../errors";
import type { Capacity, DatapathProgram } from "./program";

/** Refuses virtual services that lead nowhere or twice to the same, and more of them than there is room for. */
export function checkIpvs({ virtualServices = [], realServers = [], namespaces, chains }: DatapathProgram, capacity: Capacity): void {
  limit("virtualServices", virtualServices.length, capacity.virtualServices ?? 0);
  limit("realServers", realServers.length, capacity.realServers ?? 0);
  const filtering = new Set(chains.filter(({ family }) => family === Family.Ipv4).map(({ namespace }) => namespace));
  const known = new Set<string>();
  virtualServices.forEach(({ namespace, fwmark, scheduler, first, count }, index) => {
    const field = `virtualServices[${index}]`;
    if (namespaces[namespace] === undefined || !filtering.has(namespace)) refuse(`${field}.namespace`, "a namespace with chains", namespace);
    if (fwmark === 0) refuse(`${field}.fwmark`, "a mark", 0);
    if (Scheduler[scheduler] === undefined) refuse(`${field}.scheduler`, "a scheduler", scheduler);
    if (first + count > realServers.length) refuse(field, `real servers among the ${realServers.length} that there are`, `${count} from ${first} on`);
    const key = `${namespace} ${fwmark}`;
    if (known.has(key)) refuse(`${field}.fwmark`, "one service per namespace and mark", "another one");
    known.add(key);
    const addresses = realServers.slice(first, first + count).map(({ address }) => address);
    if (new Set(addresses).size < addresses.length) refuse(field, "each real server once", "one twice");
  });
  realServers.forEach(({ forwarding }, index) => {
    if (Forwarding[forwarding] === undefined) refuse(`realServers[${index}].forwarding`, "a way of forwarding", forwarding);
  });
}

function limit(name: string, needed: number, available: number): void {
  if (needed <= available) return;
  throw new SimulationError("LIMIT_EXCEEDED", `capacity.${name}: expected at least ${needed}, found ${available}`, { limit: name, needed });
}

function refuse(field: string, expected: string, found: unknown): never {
  throw new SimulationError("INVALID_INPUT", `${field}: expected ${expected}, found ${found}`);
}
