import { type Cidr, cidrContains, parseCidr } from "../../net/cidr";
import { parseIp } from "../../net/ip";
import { addressOf, firstOf, lastOf, sizeOf, valueOf } from "../block";
import { type DockerState, isOfSwarm, type IpamConfigState, type NetworkState } from "../state";
import { Answer, type AnswerMap } from "./answer";

/** Go's uint64. */
const MOST = (1n << 64n) - 1n;

/**
 * `Status` of a network since API 1.52: how many addresses of each subnet are taken, and how many are left to choose from, as far as the
 * host knows: of a network of a swarm, those of its own endpoints.
 */
export function statusOf(state: DockerState, network: NetworkState): Answer {
  const isCounted = !network.configOnly && network.ipam.driver === "default" && !(isOfSwarm(network) && !network.isAllotted);
  if (!isCounted || network.ipam.config.length === 0) return Answer.of({ IPAM: Answer.of({}) });
  const containers = state.containers.filter(({ host, running }) => host === network.host && running);
  const sandboxes = state.hosts.find(({ name }) => name === network.host)?.swarm?.sandboxes ?? [];
  const endpoints = [...containers, ...sandboxes].flatMap((owner) => owner.endpoints.filter(({ networkId }) => networkId === network.id));
  const inUse = endpoints.flatMap(({ ip, ipv6 }) => [...(ip === 0 ? [] : [BigInt(ip)]), ...(ipv6 === undefined ? [] : [ipv6])]);
  const subnets: AnswerMap = new Map(network.ipam.config.map((config) => [config.subnet, countsOf(config, inUse)]));
  return Answer.of({ IPAM: Answer.of({ Subnets: subnets }) });
}

function countsOf({ subnet: text, ipRange, gateway, auxAddresses = {} }: IpamConfigState, inUse: readonly bigint[]): Answer {
  const subnet = parseCidr(text, "subnet");
  const range = ipRange === undefined ? subnet : parseCidr(ipRange, "range");
  const named = [...(gateway === undefined ? [] : [gateway]), ...Object.values(auxAddresses)].map((address) => parseIp(address.replace(/\/.*/, ""), "address"));
  const taken = new Set([...edgesOf(subnet), ...named.map(valueOf), ...inUse]);
  const within = (block: Cidr) => BigInt([...taken].filter((value) => cidrContains(block, addressOf(block.family, value)) && isOfFamily(block, value)).length);
  return Answer.of({ IPsInUse: least(within(subnet)), DynamicIPsAvailable: least(sizeOf(range) - within(range)) });
}

/** What is never handed out: the network's own address, and the broadcast address of IPv4. */
function edgesOf(subnet: Cidr): bigint[] {
  if (subnet.family === 6) return [firstOf(subnet)];
  return subnet.prefixLength >= 31 ? [] : [firstOf(subnet), lastOf(subnet)];
}

function isOfFamily({ family }: Cidr, value: bigint): boolean {
  return (family === 4) === (value <= 0xffffffffn);
}

function least(count: bigint): bigint {
  return count > MOST ? MOST : count;
}
