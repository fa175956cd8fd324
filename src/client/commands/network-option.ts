import type { ContainerLinkSpec, EndpointSpec, NetworkModeSpec } from "../../model/spec";
import { splitPair, type FlagValues } from "../flags";
import { GoError, parseCsv, parseInteger } from "../go";
import { addressFault } from "../netip";
import { Failure } from "../outcome";
import { splitLink } from "../values";

/** One `--network`, short or long. */
interface NetworkOption {
  readonly target: string;
  readonly aliases: readonly string[];
  readonly driverOptions: Readonly<Record<string, string>>;
  readonly ipv4?: string;
  readonly ipv6?: string;
  readonly mac?: string;
  readonly linkLocalIps?: readonly string[];
  readonly gwPriority?: number;
}

/** Checks one `--network` (docker/cli opts/network.go). */
export function readNetwork(text: string): string {
  parseNetwork(text, false);
  return text;
}

/** The same in Docker 29, which knows more keys. */
export function readNetworkOf29(text: string): string {
  parseNetwork(text, true);
  return text;
}

/** `--network web`, or `--network name=web,alias=www,driver-opt=a=b`; Docker 29 also takes addresses and a priority. */
function parseNetwork(text: string, isCurrent: boolean): NetworkOption {
  if (!/\w+=\w+/.test(text)) return { target: text, aliases: [], driverOptions: {} };
  const values = new Map<string, string[]>();
  for (const field of parseCsv(text)) {
    if (!field.includes("=")) throw new GoError(`invalid field ${field}`);
    const [written, value] = splitPair(field);
    const key = written.trim().toLowerCase();
    const read = (isCurrent ? KEYS_OF_29[key] : undefined) ?? KEYS[key];
    if (!read) throw new GoError(`invalid field key ${key}`);
    values.set(key, [...(values.get(key) ?? []), read(value.trim().toLowerCase())]);
  }
  const last = (key: string) => values.get(key)?.at(-1);
  const target = last("name") ?? "";
  if (isCurrent ? target === "" : !values.has("name")) throw new GoError("network name/id is not specified");
  const [ipv4, ipv6, mac, priority] = ["ip", "ip6", "mac-address", "gw-priority"].map(last);
  return {
    target,
    aliases: values.get("alias") ?? [],
    driverOptions: Object.fromEntries((values.get("driver-opt") ?? []).map((option) => splitPair(option).map((part) => part.trim()))),
    ...(ipv4 !== undefined && { ipv4 }),
    ...(ipv6 !== undefined && { ipv6 }),
    ...(mac !== undefined && { mac }),
    ...(values.has("link-local-ip") && { linkLocalIps: values.get("link-local-ip")! }),
    ...(priority !== undefined && { gwPriority: parseInteger(priority) }),
  };
}

type Reader = (text: string) => string;

const KEYS: Readonly<Record<string, Reader>> = {
  name: (text) => text,
  alias: (text) => text,
  ip: (text) => text,
  ip6: (text) => text,
  "driver-opt": (text) => {
    if (!text.includes("=")) throw new GoError("invalid key value pair format in driver options");
    return text;
  },
};

const KEYS_OF_29: Readonly<Record<string, Reader>> = {
  ip: readAddress,
  ip6: readAddress,
  "mac-address": (text) => text,
  "link-local-ip": readAddress,
  "gw-priority": (text) => {
    if (!/^[+-]?\d+$/.test(text)) throw new GoError(`invalid gw-priority (${text}): invalid syntax`);
    return text;
  },
};

/** Go's netip.ParseAddr. */
function readAddress(text: string): string {
  const fault = addressFault(text);
  if (fault !== undefined) throw new GoError(fault);
  return text;
}

/** What the flags of `docker run` say about networks. */
export interface NetworkChoice {
  readonly mode: NetworkModeSpec | undefined;
  readonly endpoints: readonly EndpointSpec[];
  /** Links of the container, which the daemon takes for the default bridge. */
  readonly links: readonly ContainerLinkSpec[];
}

const BUILT_IN = new Set(["default", "bridge", "host", "none"]);

/**
 * Reads `--network` and the flags that belong to the first of them (docker/cli cli/command/container/opts.go: parseNetworkOpts).
 *
 * @throws Failure in the client's words, without its prefix.
 */
export function readNetworks(flags: FlagValues, isCurrent: boolean): NetworkChoice {
  const options = [...flags.all("net"), ...flags.all("network")].map((text) => parseNetwork(text, isCurrent));
  const links = flags.all("link").map(splitLink).map(([container, alias]) => ({ container, alias }));
  const endpoints: EndpointSpec[] = [];
  // The client of 29 sends what the flags say of the default network, too.
  if (isCurrent && options.length === 0 && OF_FIRST.some((name) => flags.has(name))) endpoints.push(endpointOf({ target: "default", aliases: [], driverOptions: {} }, flags, isCurrent));
  for (const [index, option] of options.entries()) {
    const endpoint = endpointOf(option, index === 0 ? flags : undefined, isCurrent);
    if (endpoints.some(({ network }) => network === option.target)) throw new Failure(`network "${option.target}" is specified multiple times`);
    endpoints.push(endpoint);
  }
  const builtIn = options.filter(({ target }) => !isUserDefined(target));
  if (builtIn.length > 0 && builtIn.length < options.length) {
    throw new Failure("conflicting options: cannot attach both user-defined and non-user-defined network-modes");
  }
  const first = options[0]?.target ?? "default";
  return isUserDefined(first) ? { mode: undefined, endpoints, links: [] } : { mode: first as NetworkModeSpec, endpoints, links };
}

/** Flags that are about the first network. */
const OF_FIRST = ["ip", "ip6", "link-local-ip", "net-alias", "network-alias"];

function endpointOf(option: NetworkOption, flags: FlagValues | undefined, isCurrent: boolean): EndpointSpec {
  const { target, driverOptions } = option;
  const given = flags ? [...flags.all("net-alias"), ...flags.all("network-alias")] : [];
  if (flags) checkTwice(option, flags, given);
  const aliases = given.length > 0 ? given : option.aliases;
  const links = (flags?.all("link") ?? []).map(splitLink).map(([container, alias]) => ({ container, alias }));
  if (target.trim() === "") throw new Failure("no name set for network");
  if (!isUserDefined(target)) {
    if (aliases.length > 0) throw new Failure("network-scoped aliases are only supported for user-defined networks");
    if (links.length > 0 && !isCurrent) throw new Failure("links are only supported for user-defined networks");
  }
  const [ipv4, ipv6] = [flags?.text("ip") || option.ipv4, flags?.text("ip6") || option.ipv6];
  const linkLocalIps = flags?.has("link-local-ip") ? flags.all("link-local-ip") : (option.linkLocalIps ?? []);
  return {
    network: target,
    aliases,
    gwPriority: option.gwPriority ?? 0,
    ...(ipv4 && { ipv4 }),
    ...(ipv6 && { ipv6 }),
    ...(option.mac !== undefined && { mac: option.mac }),
    ...(linkLocalIps.length > 0 && { linkLocalIps }),
    ...(links.length > 0 && isUserDefined(target) && { links }),
    ...(Object.keys(driverOptions).length > 0 && { driverOptions }),
    ...(isCurrent && nameOf(driverOptions)),
  };
}

/** The name of the interface inside (moby daemon/libnetwork/netlabel: Ifname). */
export function nameOf(driverOptions: Readonly<Record<string, string>>): Pick<EndpointSpec, "interfaceName"> {
  const interfaceName = driverOptions["com.docker.network.endpoint.ifname"];
  return interfaceName ? { interfaceName } : {};
}

/** What is said by a flag of its own may not be said in `--network` as well (docker/cli cli/command/container/opts.go: applyContainerOptions). */
function checkTwice(option: NetworkOption, flags: FlagValues, aliases: readonly string[]): void {
  const both = (flag: string, words: string): Failure => new Failure(`conflicting options: cannot specify both --${flag} and per-network ${words}`);
  if (option.aliases.length > 0 && aliases.length > 0) throw both("network-alias", "alias");
  if (option.ipv4 !== undefined && flags.text("ip") !== "") throw both("ip", "IPv4 address");
  if (option.ipv6 !== undefined && flags.text("ip6") !== "") throw both("ip6", "IPv6 address");
  if (option.mac !== undefined && flags.text("mac-address") !== "") throw both("mac-address", "MAC address");
  if (option.linkLocalIps !== undefined && flags.has("link-local-ip")) throw both("link-local-ip", "link-local IP addresses");
}

function isUserDefined(target: string): boolean {
  return !BUILT_IN.has(target) && !target.startsWith("container:");
}
