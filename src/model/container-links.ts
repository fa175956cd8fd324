import type { Container, Link } from "./container";
import { refuse } from "./refusal";

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
