import { containerLabel } from "../../model/labels";
import { SandboxFiles } from "../../model/inspect/sandbox-files";
import { isIp } from "../../net/ip";
import { lookUp } from "../../programs/libc";
import type { ProbeContext } from "../probe/context";
import type { DockerState } from "../spec";
import { processOf } from "./index";

type ContainerState = DockerState["containers"][number];

/** Milliseconds for each question. A resolver of Docker gives its servers four seconds each. */
const QUESTION_MS = 5000;

/**
 * Asks the name servers that a container's programs would ask, in packets.
 *
 * @returns the address, or why there is none; undefined for who is no container, or a name that no server around the hosts has
 */
export async function askNames(context: ProbeContext, from: string, name: string, family: 4 | 6 | undefined): Promise<{ readonly address: string } | { readonly reason: string } | undefined> {
  const { spec, state } = context.topology;
  const { internet = {}, lan = {} } = spec.underlay?.names ?? {};
  const wanted = name.toLowerCase().replace(/\.$/, "");
  if (isIp(name) || ![internet, lan].some((table) => Object.keys(table).some((known) => known.toLowerCase() === wanted))) return undefined;
  const container = state.containers.find((candidate) => candidate.running && (candidate.name === from || containerLabel(state, candidate) === from));
  if (container === undefined) return undefined;
  const process = processOf(container, [], context);
  const found = await lookUp(process.resolvConf.length > 0 ? process : { ...process, resolvConf: resolvConfOf(state, container) }, name, QUESTION_MS, family ?? 4);
  if ("address" in found) return { address: found.address };
  const isInside = container.endpoints.length > 0 && container.endpoints.every(({ networkId }) => state.networks.some(({ id, internal }) => id === networkId && internal));
  const why = isInside ? `; ${INSIDE[state.generation]}` : "";
  return { reason: `${from} cannot resolve ${JSON.stringify(name)}: ${FAILURES[found.failure] ?? `its name server said ${found.failure}`}${why}` };
}

const FAILURES: Readonly<Record<string, string>> = {
  timeout: "no name server answered",
  "no-nameserver": "its /etc/resolv.conf names no server",
  NOERROR: "there is the name, but no address of that family",
};

const INSIDE = {
  "20.10": "it is on internal networks alone, and the servers are asked from there",
  "29": "it is on internal networks alone, for which Docker asks nobody outside",
};

/** What its /etc/resolv.conf says, where nobody has looked at it before: then the daemons write none. */
function resolvConfOf({ generation, hosts, networks }: DockerState, { host, name, hostname, spec, network, endpoints, embeddedDns }: ContainerState): readonly string[] {
  const { world, flags } = hosts.find((candidate) => candidate.name === host)!;
  const pick = (own: readonly string[] = [], daemon: readonly string[] = []) => (own.length > 0 ? own : daemon);
  const dns = { nameservers: pick(spec.dns, flags.dns), search: pick(spec.dnsSearch, flags.dnsSearch), options: pick(spec.dnsOptions, flags.dnsOptions) };
  const files = new SandboxFiles({ generation, mode: network.mode === "host" ? "host" : "own", name, hostname, domainname: "", entries: [], dns, host: world });
  for (const { networkId } of endpoints) files.join({ addresses: [], hasIpv6: networks.some(({ id, enableIpv6 }) => id === networkId && enableIpv6) });
  if (embeddedDns) files.embed();
  return files.resolvConf;
}
