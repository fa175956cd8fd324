import { formatIp } from "../../net/ip";
import { addressOf } from "../block";
import type { Container } from "../container";
import type { Endpoint } from "../endpoint";
import type { FilesContext, FilesPart, FilesSupport } from "../files";
import { environmentOf, type LinkedContainer, settingsOfEnvironment } from "./environment";
import type { HostsEntry } from "./hosts-file";
import { SandboxFiles } from "./sandbox-files";

/** For `DaemonOptions.files`. */
export const containerFiles: FilesSupport = (context) => new ContainerFiles(context);

class ContainerFiles implements FilesPart {
  readonly #context: FilesContext;

  constructor(context: FilesContext) {
    this.#context = context;
  }

  /** libnetwork sandbox_dns_unix.go: setupResolutionFiles. */
  make(container: Container): void {
    const { rules, flags, host } = this.#context;
    const { spec, hostname, domainname, name } = container;
    const pick = (own: readonly string[] | undefined, daemon: readonly string[]) => (own && own.length > 0 ? own : daemon);
    container.files = new SandboxFiles({
      generation: rules.name,
      mode: container.isHostMode ? "host" : "own",
      name,
      hostname,
      domainname,
      entries: [...this.#extraHosts(container), ...linkEntries(container)],
      dns: {
        nameservers: pick(spec.dns, flags.dns),
        search: pick(spec.dnsSearch, flags.dnsSearch),
        options: pick(spec.dnsOptions?.filter((option) => option !== ""), flags.dnsOptions),
      },
      host: host.world,
    });
  }

  relink(container: Container, parents: readonly Container[]): void {
    const address = addressOnDefault(container);
    for (const parent of address === "" ? [] : parents.filter(({ isRunning }) => isRunning)) {
      for (const { child, alias } of parent.links) if (child === container) parent.files?.relink(alias, address);
    }
  }

  join(container: Container, endpoint: Endpoint): void {
    container.files?.join({ addresses: addressesOf(endpoint), hasIpv6: endpoint.members.hasIpv6 });
  }

  embed(container: Container): void {
    container.files?.embed();
  }

  leave(container: Container, endpoint: Endpoint): void {
    const { members } = endpoint;
    // Leaving an overlay takes no lines away in 20.10.
    if (members.driver === "overlay" && this.#context.rules.name === "20.10") return;
    const knows = !members.isPredefined;
    const knownNames = new Set(knows ? [...members.endpoints.values()].flatMap(({ dnsNames }) => dnsNames.map((name) => name.toLowerCase())) : []);
    container.files?.leave({ addresses: addressesOf(endpoint), knownNames });
  }

  environmentOf(container: Container): string[] {
    return environmentOf({ name: container.name, hostname: container.hostname, variables: settingsOfEnvironment(container.spec), links: this.#context.rules.sandbox.linksSetVariables ? this.linkedTo(container) : [] });
  }

  linkedTo(container: Container): LinkedContainer[] {
    if (!container.attachments.has("bridge")) return [];
    return container.links.map(({ child, alias }) => ({
      name: child.name,
      alias,
      address: addressOnDefault(child),
      exposed: child.exposed,
      environment: settingsOfEnvironment(child.spec),
    }));
  }

  #extraHosts({ spec }: Container): HostsEntry[] {
    return spec.extraHosts.map(({ name, address }) => ({ names: name, address: address === "host-gateway" ? this.#hostGateway() : address }));
  }

  /** `--host-gateway-ip` of the daemon, or the gateway of the default bridge. */
  #hostGateway(): string {
    const { flags, networks } = this.#context;
    const bridge = networks.list().find(({ isDefault }) => isDefault);
    const gateway = bridge?.blocksOf(4)[0]?.gateway;
    return flags.hostGatewayIps[0] ?? (gateway === undefined ? "" : formatIp(addressOf(4, gateway)));
  }
}

/** By its alias, its host name and, if that is another one, its name. */
function linkEntries(container: Container): HostsEntry[] {
  if (!container.attachments.has("bridge")) return [];
  return container.links.flatMap(({ child, alias }) => {
    const names = [alias, child.hostname, ...(alias === child.name ? [] : [child.name])].join(" ");
    const onDefault = child.endpoints.find(({ members }) => members.isDefault);
    return (onDefault ? addressesOf(onDefault) : []).map((address) => ({ address, names }));
  });
}

function addressOnDefault({ endpoints }: Container): string {
  const v4 = endpoints.find(({ members }) => members.isDefault)?.v4;
  return v4 ? formatIp(addressOf(4, v4.value)) : "";
}

function addressesOf({ v4, v6 }: Endpoint): string[] {
  return [...(v4 ? [formatIp(addressOf(4, v4.value))] : []), ...(v6 ? [formatIp(addressOf(6, v6.value))] : [])];
}
