import type { ContainerLinkSpec, EndpointSpec, NetworkModeSpec } from "../../model/spec";
import { splitPair, type FlagValues } from "../flags";
import { GoError, parseCsv } from "../go";
import { Failure } from "../outcome";
import { splitLink } from "../values";

/** One `--network`, short or long. */
interface NetworkOption {
  readonly target: string;
  readonly aliases: readonly string[];
  readonly driverOptions: Readonly<Record<string, string>>;
}

/** Checks one `--network` (docker/cli opts/network.go). */
export function readNetwork(text: string): string {
  parseNetwork(text);
  return text;
}

/** `--network web`, or `--network name=web,alias=www,driver-opt=a=b`. */
function parseNetwork(text: string): NetworkOption {
  if (!/^[^,]*=/.test(text) && !text.includes("=")) return { target: text, aliases: [], driverOptions: {} };
  const aliases: string[] = [];
  const driverOptions: Record<string, string> = {};
  let target = "";
  for (const field of parseCsv(text)) {
    if (!field.includes("=")) throw new GoError(`invalid field ${field}`);
    const [written, value] = splitPair(field);
    const key = written.trim().toLowerCase();
    const trimmed = value.trim().toLowerCase();
    if (key === "name") target = trimmed;
    else if (key === "alias") aliases.push(trimmed);
    else if (key === "driver-opt") {
      if (!trimmed.includes("=")) throw new GoError("invalid key value pair format in driver options");
      const [name, option] = splitPair(trimmed);
      driverOptions[name.trim()] = option.trim();
    } else throw new GoError(`invalid field key ${key}`);
  }
  if (target === "" && !/(^|,)\s*name\s*=/i.test(text)) throw new GoError("network name/id is not specified");
  return { target, aliases, driverOptions };
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
export function readNetworks(flags: FlagValues): NetworkChoice {
  const options = [...flags.all("net"), ...flags.all("network")].map(parseNetwork);
  const links = flags.all("link").map(splitLink).map(([container, alias]) => ({ container, alias }));
  const endpoints: EndpointSpec[] = [];
  for (const [index, option] of options.entries()) {
    const endpoint = endpointOf(option, index === 0 ? flags : undefined);
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

function endpointOf({ target, aliases: own, driverOptions }: NetworkOption, flags: FlagValues | undefined): EndpointSpec {
  const given = flags ? [...flags.all("net-alias"), ...flags.all("network-alias")] : [];
  if (own.length > 0 && given.length > 0) throw new Failure("conflicting options: cannot specify both --network-alias and per-network alias");
  const aliases = given.length > 0 ? given : own;
  const links = (flags?.all("link") ?? []).map(splitLink).map(([container, alias]) => ({ container, alias }));
  if (target.trim() === "") throw new Failure("no name set for network");
  if (!isUserDefined(target)) {
    if (aliases.length > 0) throw new Failure("network-scoped aliases are only supported for user-defined networks");
    if (links.length > 0) throw new Failure("links are only supported for user-defined networks");
  }
  const [ipv4, ipv6] = [flags?.text("ip") ?? "", flags?.text("ip6") ?? ""];
  const linkLocalIps = flags?.all("link-local-ip") ?? [];
  return {
    network: target,
    aliases,
    gwPriority: 0,
    ...(ipv4 !== "" && { ipv4 }),
    ...(ipv6 !== "" && { ipv6 }),
    ...(linkLocalIps.length > 0 && { linkLocalIps }),
    ...(links.length > 0 && { links }),
    ...(Object.keys(driverOptions).length > 0 && { driverOptions }),
  };
}

function isUserDefined(target: string): boolean {
  return !BUILT_IN.has(target) && !target.startsWith("container:");
}
