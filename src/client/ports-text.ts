/** A port of a container as the daemon's list has it; an empty `hostIp` means that it is not published. */
export interface ShownPort {
  readonly containerPort: number;
  readonly protocol: string;
  readonly hostIp: string;
  readonly hostPort: number;
}

interface Group {
  readonly key: string;
  readonly first: number;
  last: number;
}

/**
 * The column PORTS of `docker ps`: neighbouring ports of one kind are drawn together (docker/cli formatter/container.go: DisplayablePorts).
 *
 * Docker 29 writes IPv6 addresses in brackets.
 *
 * @example displayPorts([{ containerPort: 80, protocol: "tcp", hostIp: "0.0.0.0", hostPort: 8080 }]) // "0.0.0.0:8080->80/tcp"
 */
export function displayPorts(all: readonly ShownPort[], brackets = false): string {
  const ports = brackets ? all.map((port) => ({ ...port, hostIp: bracketed(port.hostIp) })) : all;
  const groups = new Map<string, Group>();
  const finished: string[] = [];
  const mapped: string[] = [];
  for (const { containerPort, protocol, hostIp, hostPort } of [...ports].sort(compare)) {
    if (hostIp !== "" && hostPort !== containerPort) {
      mapped.push(`${hostIp}:${hostPort}->${containerPort}/${protocol}`);
      continue;
    }
    const key = hostIp === "" ? protocol : `${hostIp}/${protocol}`;
    const group = groups.get(key);
    if (group && containerPort === group.last + 1) {
      group.last = containerPort;
      continue;
    }
    if (group) finished.push(textOf(group));
    groups.set(key, { key, first: containerPort, last: containerPort });
  }
  return [...finished, ...[...groups.values()].map(textOf), ...mapped].join(", ");
}

/** An IPv6 address as it stands before a port. */
export function bracketed(ip: string): string {
  return ip.includes(":") ? `[${ip}]` : ip;
}

function textOf({ key, first, last }: Group): string {
  const [ip = "", protocol = ""] = key.includes("/") ? key.split("/") : ["", key];
  const range = first === last ? String(first) : `${first}-${last}`;
  return ip === "" ? `${range}/${protocol}` : `${ip}:${range}->${range}/${protocol}`;
}

function compare(a: ShownPort, b: ShownPort): number {
  const byText = (x: string, y: string) => (x < y ? -1 : x > y ? 1 : 0);
  return a.containerPort - b.containerPort || byText(a.hostIp, b.hostIp) || a.hostPort - b.hostPort || byText(a.protocol, b.protocol);
}
