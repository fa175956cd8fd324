import { compareText } from "../generation";
import type { ContainerSpec } from "../spec";
import type { ExposedPortState } from "../state";

/** A container that another one is linked to on the default bridge. */
export interface LinkedContainer {
  readonly name: string;
  readonly alias: string;
  readonly address: string;
  readonly exposed: readonly ExposedPortState[];
  /** `NAME=value`, of `-e` and of its image. */
  readonly environment: readonly string[];
}

export interface EnvironmentSpec {
  readonly name: string;
  readonly hostname: string;
  readonly tty?: boolean;
  /** `NAME=value`, of `-e` and of the image. */
  readonly variables: readonly string[];
  readonly links: readonly LinkedContainer[];
}

/** Where Linux looks for programs unless told otherwise (moby pkg/system: DefaultPathEnv). */
export const DEFAULT_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * The environment of a container's processes: Docker's variables, those of links, then the container's own, which replace others of the same name
 * in their places (moby container/container_unix.go: CreateDaemonEnvironment); runc adds HOME.
 */
export function environmentOf({ name, hostname, tty, variables, links }: EnvironmentSpec): string[] {
  const linked = links.flatMap((link) => linkVariables(name, link));
  const base = [DEFAULT_PATH, `HOSTNAME=${hostname}`, ...(tty === true ? ["TERM=xterm"] : []), ...linked];
  const own = replaced(base, variables);
  return own.some((variable) => variable.startsWith("HOME=")) ? own : [...own, "HOME=/root"];
}

/** The variables with others put over them. */
export function replaced(base: readonly string[], variables: readonly string[]): string[] {
  const byName = new Map(base.map((variable) => [nameOf(variable), variable]));
  for (const variable of variables) {
    // A name without a value takes the variable away.
    if (variable.includes("=")) byName.set(nameOf(variable), variable);
    else byName.delete(variable);
  }
  return [...byName.values()];
}

function nameOf(variable: string): string {
  return variable.split("=", 1)[0] ?? variable;
}

/** What a link tells about its container (moby daemon/links/links.go: ToEnv). */
function linkVariables(parent: string, { alias, address, exposed, environment }: LinkedContainer): string[] {
  const prefix = alias.toUpperCase().replace(/-/g, "_");
  const ports = [...exposed].sort((a, b) => a.port - b.port || (a.protocol === "tcp" ? -1 : b.protocol === "tcp" ? 1 : compareText(a.protocol, b.protocol)));
  const url = ({ port, protocol }: ExposedPortState) => `${protocol}://${address}:${port}`;
  const first = ports[0];
  const name = ({ port, protocol }: ExposedPortState) => `${prefix}_PORT_${port}_${protocol.toUpperCase()}`;
  const each = ports.flatMap((port) => [
    `${name(port)}=${url(port)}`,
    `${name(port)}_ADDR=${address}`,
    `${name(port)}_PORT=${port.port}`,
    `${name(port)}_PROTO=${port.protocol}`,
  ]);
  const given = environment.filter((variable) => !["HOME", "PATH"].includes(nameOf(variable)) && variable.includes("="));
  return [
    ...(first ? [`${prefix}_PORT=${url(first)}`] : []),
    ...runsOf(ports).flatMap(([from, to]) => [
      `${name(from)}_START=${url(from)}`,
      `${name(from)}_ADDR=${address}`,
      `${name(from)}_PROTO=${from.protocol}`,
      `${name(from)}_PORT_START=${from.port}`,
      `${prefix}_PORT_${from.port}_${to.protocol.toUpperCase()}_END=${url(to)}`,
      `${prefix}_PORT_${from.port}_${to.protocol.toUpperCase()}_PORT_END=${to.port}`,
    ]),
    ...each,
    `${prefix}_NAME=/${parent}/${alias}`,
    ...given.map((variable) => `${prefix}_ENV_${variable}`),
  ];
}

/** First and last port of each run of three or more; each step may be one more than the last run's length (links.go: nextContiguous). */
function runsOf(ports: readonly ExposedPortState[]): [from: ExposedPortState, to: ExposedPortState][] {
  const runs: [ExposedPortState, ExposedPortState][] = [];
  for (let index = 0; index < ports.length; ) {
    const from = ports[index];
    if (!from) break;
    let last = index;
    while (last + 1 < ports.length && (ports[last + 1]?.port ?? Number.POSITIVE_INFINITY) <= from.port + (last - index) + 1) last++;
    const to = ports[last];
    if (to && last > index + 1) {
      runs.push([from, to]);
      index = last + 1;
    } else index++;
  }
  return runs;
}

/** `NAME=value` of `-e` before the image's; the image's that are named again are gone (moby runconfig: Merge). */
export function settingsOfEnvironment({ env = [], image }: Pick<ContainerSpec, "env" | "image">): readonly string[] {
  const named = new Set(env.map(nameOf));
  return [...env, ...(image?.env ?? []).filter((text) => !named.has(nameOf(text)))];
}
