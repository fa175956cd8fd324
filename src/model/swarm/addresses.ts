import { SimulationError } from "../../errors";
import { type Cidr, formatCidr } from "../../net/cidr";
import { isIpv4 } from "../../net/ip";
import { refuse, unsupported } from "../refusal";
import type { HostWorld } from "../world";
import { MANAGER_PORT } from "./manager-port";
import { SWARM_WORDS } from "./words";

/** The daemon's sentence of a refusal; other errors go on. */
export function refusalText(error: unknown): string {
  if (error instanceof SimulationError && typeof error.details.daemon === "string") return error.details.daemon;
  throw error;
}

const plain = (text: string) => text.split("/", 1)[0] ?? "";

/** Those of a host. */
export function addressesOf({ uplinks }: HostWorld): string[] {
  return uplinks.flatMap(({ addresses }) => addresses.map(plain));
}

/** By the host's own list: there is no other name server for hosts. */
export function addressOfName({ hosts, resolvConf }: HostWorld, name: string): string {
  const line = hosts.map((text) => text.trim().split(/\s+/)).find(([, ...names]) => names.includes(name));
  const server = resolvConf.nameservers[0] ?? "127.0.0.1";
  return line?.[0] ?? refuse(500, "swarm", `could not find local IP address: dial udp: lookup ${name} on ${server}:53: no such host`);
}

/** The managers find out where a node joins from, unless it says something that can be an address. */
export function joinAddress(world: HostWorld, wanted: string | undefined): string {
  try {
    return advertisedAddress(world, wanted);
  } catch (error) {
    refusalText(error);
    return advertisedAddress(world, undefined);
  }
}

/** `--data-path-addr`. */
export function tunnelAddress(world: HostWorld, wanted: string | undefined): string | undefined {
  if (wanted === undefined || wanted === "") return undefined;
  const own = ownAddress(world, wanted);
  if (own === undefined && (!isIpv4(wanted) || wanted === "0.0.0.0")) refuse(400, "swarm", SWARM_WORDS.badDataPathAddress);
  return own ?? wanted;
}

function ownAddress({ uplinks }: HostWorld, device: string): string | undefined {
  return (uplinks.find(({ name }) => name === device)?.addresses ?? []).map(plain).find((text) => isIpv4(text));
}

/** moby daemon/cluster/listen_addr.go: resolveListenAddr; swarmkit manager.go: BindRemote. */
export function checkListening(world: HostWorld, wanted: string | undefined): void {
  if (wanted === undefined) return;
  const text = wanted.replace(/:\d+$/, "");
  if (ownAddress(world, text) !== undefined || text === "0.0.0.0") return;
  if (!isIpv4(text)) refuse(400, "swarm", "listen address must be an IP address or network interface (with optional port number)");
  if (!addressesOf(world).includes(text)) refuse(500, "swarm", `manager stopped: failed to listen on remote API address: listen tcp ${text}:${MANAGER_PORT}: bind: cannot assign requested address`);
}

/** moby daemon/cluster/listen_addr.go: resolveAdvertiseAddr. */
export function advertisedAddress(world: HostWorld, wanted: string | undefined): string {
  if (wanted === undefined || wanted === "") {
    const found = world.uplinks.flatMap(({ addresses }) => addresses.map(plain).find((text) => isIpv4(text)) ?? []);
    if (found.length === 1) return found[0]!;
    return unsupported("swarm", "the choice of an address to advertise among none or several (--advertise-addr names one)");
  }
  const text = wanted.replace(/:\d+$/, "");
  const own = ownAddress(world, text);
  if (own !== undefined) return own;
  if (!isIpv4(text) || text === "0.0.0.0") refuse(400, "swarm", SWARM_WORDS.badAdvertiseAddress);
  return text;
}

/** Where a manager says that others reach it. */
export function portOf(advertised: string | undefined): number {
  const [, port] = /:(\d+)$/.exec(advertised ?? "") ?? [];
  return port === undefined ? MANAGER_PORT : Number(port);
}

/** moby daemon/cluster/listen_addr.go: getDataPathPort. */
export function checkDataPathPort(port: number | undefined): void {
  if (port !== undefined && (port < 1024 || port > 49151)) refuse(500, "swarm", `Datapath port number is not in valid range (1024-49151) : ${port}`);
}

/** moby daemon/cluster/swarm.go: the smallest subnets that networks may get. */
const LONGEST_MASK = 29;

export function checkPools(pools: readonly Cidr[] | undefined, maskLength: number | undefined): void {
  if (!pools || maskLength === undefined) return;
  if (maskLength > LONGEST_MASK) refuse(400, "swarm", `subnet size is out of range: ${maskLength}`);
  const small = pools.find(({ prefixLength }) => prefixLength > maskLength);
  if (small) refuse(400, "swarm", `invalid CIDR: ${JSON.stringify(formatCidr(small))}. Subnet size is too small for pool: ${maskLength}`);
}
