/** The first processes of containers: servers that take ports, and programs that end at once. */
import type { ContainerState, DockerState } from "../../../src/model/state";

export interface Listening {
  /** The container whose network namespace it is, or the host. */
  readonly place: string;
  readonly protocol: "tcp" | "udp";
  readonly port: number;
  /** What the server calls itself. */
  readonly name: string;
  /** It is paused: the kernel takes what comes for it. */
  readonly isFrozen?: boolean;
}

/** How the first process of a container ended. */
export interface Ended {
  readonly container: ContainerState;
  readonly exit: number;
}

interface Running {
  readonly key: string;
  readonly container: ContainerState;
  readonly listening: readonly Listening[];
  /** When it ends by itself. */
  readonly endsAt?: number;
}

/** Whose network namespace a container has. */
export function placeOf(state: DockerState, container: ContainerState): string {
  const { network, host } = container;
  if (network.mode === "host") return host;
  if (network.mode !== "container") return `${host}/${container.name}`;
  // What never started may be said to join itself.
  const owner = container.running ? state.containers.find((other) => other.host === host && other !== container && (other.name === network.container || other.id === network.container)) : undefined;
  return owner === undefined || network.orphaned ? `${host}/${container.name}` : placeOf(state, owner);
}

/** Follows which containers run, and starts what is in them. */
export class Processes {
  #running: Running[] = [];
  readonly #machines: Listening[] = [];
  readonly #logs = new Map<string, string>();
  /** Containers that are known, and those whose first process has a terminal or an open stdin. */
  readonly #seen = new Set<string>();
  readonly #open = new Set<string>();
  #opensNew = false;
  /** Containers that are paused. */
  #frozen: ReadonlySet<string> = new Set();

  /** A server on a machine. */
  serve(machine: string, name: string, specs: readonly string[]): void {
    this.#machines.push(...readListen(specs).map((entry) => ({ ...entry, place: machine, name })));
  }

  /** Whether containers that come from now on keep their stdin open: a shell then waits for input. */
  openNew(opens: boolean): void {
    this.#opensNew = opens;
  }

  #meet({ id }: ContainerState): void {
    if (this.#seen.has(id)) return;
    this.#seen.add(id);
    if (this.#opensNew) this.#open.add(id);
  }

  /** Ends the processes of containers that stopped; starts those that nobody started, and tells whose ended again. */
  follow(state: DockerState, now: number): Ended[] {
    this.#endOthers(state);
    this.#running = this.#running.map((entry) => renamed(state, entry));
    this.#frozen = new Set(state.containers.filter(({ status }) => status === "paused").map(({ id }) => id));
    for (const container of state.containers) this.#meet(container);
    const over = this.#running.filter(({ endsAt = Number.POSITIVE_INFINITY }) => endsAt <= now);
    this.#running = this.#running.filter((entry) => !over.includes(entry));
    const started = state.containers.filter(({ running }) => running).sort((a, b) => a.startOrder - b.startOrder);
    const ended = started.filter((container) => !over.some(({ key }) => key === keyOf(container))).flatMap((container) => {
      const exit = this.start(state, container, now);
      return exit === undefined ? [] : [{ container, exit }];
    });
    return [...over.map(({ container }) => ({ container, exit: 0 })), ...ended];
  }

  /** Starts the first process of a container, if it has none; its exit code if it ends at once. */
  start(state: DockerState, container: ContainerState, now: number): number | undefined {
    this.#endOthers(state);
    this.#meet(container);
    const key = keyOf(container);
    if (this.#running.some((entry) => entry.key === key)) return undefined;
    const outcome = this.#start(state, container);
    if ("exit" in outcome) return outcome.exit;
    const [program, seconds] = commandOf(container);
    this.#running.push({ key, container, listening: outcome.listening, ...(program === "sleep" && { endsAt: now + Number(seconds) * 1e9 }) });
    return undefined;
  }

  #endOthers({ containers }: DockerState): void {
    const running = new Set(containers.filter(({ running }) => running).map(keyOf));
    this.#running = this.#running.filter(({ key }) => running.has(key));
  }

  #start(state: DockerState, container: ContainerState): { readonly exit: number } | { readonly listening: readonly Listening[] } {
    const [program = "", verb, ...specs] = commandOf(container);
    const waits = program === "sleep" || (/^(sh|cat)$/.test(program) && verb === undefined && this.#open.has(container.id));
    if (waits) return { listening: [] };
    if (program !== "netprobe" || verb !== "serve") return { exit: program === "false" ? 1 : 0 };
    const place = placeOf(state, container);
    const name = serverName(state, container);
    const listening: Listening[] = [];
    for (const entry of readListen(specs)) {
      const { protocol, port } = entry;
      if (this.isTaken(state, place, protocol, port)) {
        const family = protocol === "tcp" ? "tcp" : "udp4";
        this.#logs.set(container.id, `netprobe: listen ${family} :${port}: bind: address already in use\n`);
        return { exit: 1 };
      }
      listening.push({ ...entry, place, name });
    }
    return { listening };
  }

  /** Whether a port of every address can no longer be bound in a network namespace. */
  isTaken(state: DockerState, place: string, protocol: string, port: number): boolean {
    const isProxied = state.hosts.some(({ name, proxies }) => name === place && proxies.some((proxy) => proxy.protocol === protocol && proxy.hostPort === port));
    return isProxied || this.listening().some((entry) => entry.place === place && entry.protocol === protocol && entry.port === port);
  }

  listening(): Listening[] {
    return [...this.#machines, ...this.#running.flatMap(({ listening, container }) => listening.map((entry) => (this.#frozen.has(container.id) ? { ...entry, isFrozen: true } : entry)))];
  }

  logsOf({ id }: ContainerState): string {
    return this.#logs.get(id) ?? "";
  }
}

/** A container's namespace goes by its name, which may be another by now. */
function renamed(state: DockerState, entry: Running): Running {
  const container = state.containers.find((candidate) => keyOf(candidate) === entry.key);
  if (container === undefined || entry.listening.length === 0 || container.network.mode === "host") return entry;
  const place = container.network.mode === "container" && container.network.orphaned ? undefined : placeOf(state, container);
  return place === undefined ? entry : { ...entry, listening: entry.listening.map((listening) => ({ ...listening, place })) };
}

function keyOf({ host, id, startOrder }: ContainerState): string {
  return `${host} ${id} ${startOrder}`;
}

/** What the first process runs. */
export function commandOf({ spec }: ContainerState): readonly string[] {
  return spec.command !== undefined && spec.command.length > 0 ? spec.command : (spec.image?.command ?? []);
}

/** The host name of the namespace that it is started in. */
function serverName(state: DockerState, container: ContainerState): string {
  const place = placeOf(state, container);
  const host = state.hosts.find(({ name }) => name === place);
  const owner = state.containers.find((other) => `${other.host}/${other.name}` === place);
  return host?.world.hostname ?? owner?.hostname ?? container.hostname;
}

function readListen(specs: readonly string[]): { readonly protocol: "tcp" | "udp"; readonly port: number }[] {
  return specs.map((text) => {
    const [protocol, port] = text.split(":");
    return { protocol: protocol === "udp" ? "udp" : "tcp", port: Number(port) };
  });
}
