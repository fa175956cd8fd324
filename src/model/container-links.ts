import type { Container, Link } from "./container";
import type { Endpoint } from "./endpoint";
import type { Firewall } from "./firewall/firewall";
import { firewallLink } from "./firewall-facts";
import type { GenerationRules } from "./generation";
import { refuse } from "./refusal";

interface LinkContext {
  readonly firewall: Firewall;
  readonly rules: GenerationRules;
}

/** Legacy links are names as well: `/parent/alias` is the child (moby daemon/links.go). */
export function byLinkName(containers: readonly Container[], name: string): { readonly parent: Container; readonly link: Link } | undefined {
  const at = name.lastIndexOf("/");
  const parent = at < 1 ? undefined : containers.find((container) => container.name === name.slice(0, at));
  const link = parent?.links.find(({ alias }) => alias === name.slice(at + 1));
  return parent && link && { parent, link };
}

/** The other names of a container, each as `parent/alias`. */
export function linkNamesOf(containers: readonly Container[], child: Container): string[] {
  return containers.flatMap((parent) => parent.links.filter((link) => link.child === child).map(({ alias }) => `${parent.name}/${alias}`));
}

/** `docker rm --link`: the child goes on, and has a name less (moby daemon/delete.go: rmLink). Returns whose link it was. */
export function removeLink(containers: readonly Container[], reference: string): Container {
  const name = reference.replace(/^\//, "");
  if (!name.includes("/")) refuse(500, `container ${name}`, "Conflict, cannot remove the default link name of the container");
  const found = byLinkName(containers, name) ?? refuse(404, `container ${name}`, `No such container: ${reference}`);
  found.parent.links = found.parent.links.filter((link) => link !== found.link);
  return found.parent;
}

/** Legacy links of a process that starts: the other container must be running, on the default bridge (moby daemon/container_operations_unix.go: setupLinkedContainers). */
export function checkLinks(container: Container): void {
  const hasBridge = container.attachments.has("bridge");
  for (const { child, alias } of hasBridge ? container.links : []) {
    const subject = `container ${container.name}`;
    if (!child.isRunning) refuse(500, subject, `Cannot link to a non running container: /${child.name} AS /${container.name}/${alias}`);
    if (!child.attachments.has("bridge")) refuse(500, subject, `container ${child.id} not attached to default bridge network`);
  }
}

/** Links have rules of their own where containers of the default bridge cannot talk. */
export function isLinking({ members }: Endpoint): boolean {
  return members.isDefault && members.parts.bridge?.options.icc === false;
}

/** Lets a container in to the exposed ports of those it links to. What is there already, as it stays when the ports move to another network, is not added once more. */
export function openLinks(container: Container, endpoint: Endpoint, { firewall, rules }: LinkContext): void {
  if (container.openLinks.length > 0) return;
  for (const { child } of container.links) {
    const target = child.endpoints.find(({ members }) => members.isDefault);
    const link = target && firewallLink(endpoint, target, rules.ports.linked(child.exposed, child.published));
    if (!link) continue;
    firewall.link(endpoint.members.id, link);
    container.openLinks.push({ target, link });
  }
}

/** As a container leaves the default bridge, whatever has become of the others meanwhile (libnetwork drivers/bridge: Leave). */
export function closeLinks(container: Container, endpoint: Endpoint, { firewall }: LinkContext): void {
  // What the other one's new endpoint would need is not known: the rules of the old one stay.
  const current = container.openLinks.filter(({ target }) => target.members.endpoints.get(target.containerId) === target);
  container.openLinks.length = 0;
  for (const { link } of current) firewall.unlink(endpoint.members.id, link);
}
