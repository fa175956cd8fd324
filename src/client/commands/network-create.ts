import type { IpamSpec, NetworkSpec } from "../../model/spec";
import { cidrContains, cidrContainsCidr, formatCidr, parseCidr, type Cidr } from "../../net/cidr";
import { isIp, parseIp } from "../../net/ip";
import { exactly, isOf29, type Call, type Command } from "../command";
import { splitPair } from "../flags";
import { checkPrefix } from "../netip";
import { Failure } from "../outcome";
import { ask } from "../refusals";
import { readLabel } from "../values";

export const NETWORK_CREATE: Command = {
  path: "network create",
  usage: "[OPTIONS] NETWORK",
  short: "Create a network",
  count: exactly(1),
  flags: [
    { name: "attachable", kind: "switch" },
    { name: "aux-address", kind: "map" },
    { name: "config-from", kind: "text" },
    { name: "config-only", kind: "switch" },
    { name: "driver", short: "d", kind: "text" },
    { name: "gateway", kind: "values" },
    { name: "ingress", kind: "switch" },
    { name: "internal", kind: "switch" },
    { name: "ip-range", kind: "values" },
    { name: "ipam-driver", kind: "text" },
    { name: "ipam-opt", kind: "map" },
    { name: "ipv4", kind: "switch", isOf29: true },
    { name: "ipv6", kind: "switch" },
    { name: "label", kind: "list", read: readLabel },
    { name: "opt", short: "o", kind: "map" },
    { name: "scope", kind: "text" },
    { name: "subnet", kind: "values" },
  ],
  run(call) {
    const network = networkOf(call);
    const { id, warning } = ask(() => call.daemon.createNetwork(network));
    if (warning !== "") call.output.warn(`WARNING: ${warning}`);
    call.output.line(id);
  },
};

function networkOf({ daemon, flags, args }: Call): NetworkSpec {
  const said = (name: string, otherwise: string) => (flags.has(name) ? flags.text(name) : otherwise);
  return {
    name: args[0] ?? "",
    driver: said("driver", "bridge"),
    ipam: ipamOf(flags.all("subnet"), flags.all("ip-range"), flags.all("gateway"), flags.all("aux-address"), isOf29(daemon)),
    internal: flags.on("internal"),
    options: flags.map("opt"),
    ...(flags.has("ipv4") && { ipv4: flags.on("ipv4") }),
    ipv6: flags.on("ipv6"),
    attachable: flags.on("attachable"),
    ingress: flags.on("ingress"),
    configOnly: flags.on("config-only"),
    ...(flags.text("config-from") !== "" && { configFrom: flags.text("config-from") }),
    ...(flags.text("scope") !== "" && { scope: flags.text("scope") }),
    labels: flags.map("label"),
    ipamDriver: said("ipam-driver", "default"),
    ipamOptions: flags.map("ipam-opt"),
  };
}

type Draft = { -readonly [K in keyof IpamSpec]: IpamSpec[K] } & { readonly subnet: string; auxAddresses: Record<string, string> };

/**
 * Sorts ranges, gateways and auxiliary addresses to the subnets that hold them (docker/cli cli/command/network/create.go).
 *
 * @throws Failure in the client's words.
 */
export function ipamOf(subnets: readonly string[], ranges: readonly string[], gateways: readonly string[], auxiliary: readonly string[], isCurrent: boolean): IpamSpec[] {
  if (subnets.length < ranges.length || subnets.length < gateways.length) {
    throw new Failure("every ip-range or gateway must have a corresponding subnet");
  }
  const blocks: Draft[] = [];
  for (const subnet of subnets) {
    if (blocks.some((other) => holds(subnet, other.subnet) || holds(other.subnet, subnet))) {
      throw new Failure("multiple overlapping subnet configuration is not supported");
    }
    if (isCurrent) checkPrefix(subnet);
    blocks.push({ subnet, auxAddresses: {} });
  }
  const matching = (text: string, what: string): Draft[] => {
    const found = blocks.filter(({ subnet }) => holds(subnet, text));
    if (found.length === 0) throw new Failure(`no matching subnet for ${what} ${text}`);
    return found;
  };
  for (const written of ranges) {
    // The flag of Docker 29 takes the block around it.
    const block = isCurrent ? cidrOf(written) : undefined;
    const range = block ? formatCidr(block) : written;
    for (const block of matching(range, "range")) {
      if (block.ipRange !== undefined) throw new Failure(`cannot configure multiple ranges (${range}, ${block.ipRange}) on the same subnet (${block.subnet})`);
      block.ipRange = range;
    }
  }
  for (const gateway of gateways) {
    for (const block of matching(gateway, "gateway")) {
      if (block.gateway !== undefined) throw new Failure(`cannot configure multiple gateways (${gateway}, ${block.gateway}) for the same subnet (${block.subnet})`);
      block.gateway = gateway;
    }
  }
  for (const [name, address] of auxiliary.map(splitPair)) {
    // A name without an address is nothing to Docker 29.
    if (isCurrent && address === "") continue;
    for (const block of matching(address, "aux-address")) block.auxAddresses[name] = address;
  }
  return blocks;
}

/** Whether the subnet has the address, or the first address of the block. */
function holds(subnet: string, text: string): boolean {
  const block = cidrOf(subnet);
  if (!block) throw new Failure(`invalid subnet: invalid CIDR address: ${subnet}`);
  if (!text.includes("/")) return isIp(text) && cidrContains(block, parseIp(text, "address"));
  const inner = cidrOf(text);
  if (!inner) throw new Failure(`invalid CIDR address: ${text}`);
  return cidrContainsCidr(block, { ...inner, prefixLength: inner.family === 4 ? 32 : 128, network: inner.address } as Cidr);
}

function cidrOf(text: string): Cidr | undefined {
  const at = text.indexOf("/");
  const length = text.slice(at + 1);
  const isCidr = at > 0 && isIp(text.slice(0, at)) && /^\d{1,3}$/.test(length) && Number(length) <= (text.includes(":") ? 128 : 32);
  return isCidr ? parseCidr(`${text.slice(0, at)}/${Number(length)}`, "subnet") : undefined;
}
