/** The machines of a scenario, simulated: an engine per host, what runs in its containers, and the packets between them. */
import { DockerClient } from "../../../src/client";
import { stackReader } from "../../../src/compose";
import { Daemon } from "../../../src/model/daemon";
import { parseDaemonFlags } from "../../../src/model/flags";
import { formatIpv4 } from "../../../src/net/ip";
import { macText } from "../../../src/model/inspect/network";
import { containerFiles } from "../../../src/model/inspect/container-files";
import type { Chance } from "../../../src/model/chance";
import { SwarmRegistry } from "../../../src/model/swarm/registry";
import { rulesOf } from "../../../src/model/generations";
import { SimulationError } from "../../../src/errors";
import { type CommandedHost, runOnHost } from "../../../src/model/host-command";
import { isOfSwarm, type ContainerState, type DockerState } from "../../../src/model/state";
import type { ListenerSpec } from "../../../src/model/world";
import { recordedHost } from "../../support/recorded-world";
import type { Names } from "../names";
import { generationOf, type CommandResult, type Frame, type Json, type Recording, type Row } from "../recording";
import { scenarioCompiler } from "./compile";
import type { EngineChoice } from "./engines";
import { Kernel } from "./kernel";
import { IMAGES, PLAIN_MACHINES } from "./machines";
import { observeContainer, observeHost } from "./observation";
import { commandOf, placeOf, Processes, type Listening } from "./processes";
import { isProgram, run } from "../../../src/programs";
import type { ProcessView } from "../../../src/programs/process";
import { hasFailed, probeRow } from "./rows";
import { Simulation } from "./simulation";
import { AddedRoutes } from "./added-routes";
import { containerProcess, machineView, type Surroundings } from "./views";
import type { World, WorldOf } from "./world";
import { responseOf } from "../../../src/client/refusals";

interface Host {
  readonly daemon: Daemon;
  readonly client: DockerClient;
  /** Its subnets come from pools that its flags name. */
  readonly hasPools: boolean;
}

/** Commands that change nothing. */
const READING = new Set(["exec", "logs", "ps", "inspect", "port", "network ls", "network inspect", "container ls", "container inspect", "node ls", "service ls", "service ps", "service inspect"]);
/** How long a recording waits for tasks. */
const LONGEST_WAIT_SECS = 25;
/** How long a docker command takes, about; after those of swarms the recorder asks for tasks and nodes. */
const COMMAND_SECS = 0.5;
const SWARM_COMMAND_SECS = 1;
/** How the recorder's probes start: between two rows of one source (probe/netprobe.go), between two sources, and what `docker exec` takes. */
const ROW_MS = 2;
const SOURCE_MS = 1;
const EXEC_MS = 100;
/** If the recorder's machine was busy. */
const SLOW_COMMAND_SECS = 4;
/** What takes effect in time, so that it matters how long it took. */
const LASTING = /^docker service (update|scale) /;
const SWARM_NOUNS = ["swarm", "service", "node", "stack"];

export function simulatedWorld(engine: EngineChoice): WorldOf {
  return async (recording, chance) => SimulatedWorld.open(recording, engine, chance);
}

class SimulatedWorld implements World {
  readonly #hosts: ReadonlyMap<string, Host>;
  readonly #kernel = new Kernel();
  readonly #processes = new Processes();
  readonly #added = new AddedRoutes();
  readonly #simulation: Simulation;
  readonly #swarms: SwarmRegistry;
  readonly #chance: Chance;
  /** By host: what its daemon knows of. */
  readonly #listeners = new Map<string, readonly ListenerSpec[]>();

  static async open(recording: Recording, engine: EngineChoice, chance: Chance): Promise<SimulatedWorld> {
    const world = new SimulatedWorld(recording, await Simulation.open(engine, scenarioCompiler()), chance);
    world.#settle();
    return world;
  }

  private constructor(recording: Recording, simulation: Simulation, chance: Chance) {
    const { hosts, dockerd_flags } = recording;
    const generation = generationOf(recording);
    this.#chance = chance;
    const listens = (listen: readonly string[], port: number) => listen.includes(`tcp:${port}`);
    this.#swarms = new SwarmRegistry({ chance, isRefused: (address, port) => Object.values(PLAIN_MACHINES).some(({ addresses, listen }) => addresses.includes(address) && !listens(listen, port)) });
    this.#simulation = simulation;
    this.#hosts = new Map(
      Object.entries(hosts).map(([name, machine], index) => {
        const flags = parseDaemonFlags(dockerd_flags[name] ?? dockerd_flags["*"] ?? [], generation);
        const daemon = new Daemon({ host: { name, cpus: 1, backlog: 1000 }, rules: rulesOf(generation), seed: index, flags, world: recordedHost(machine, generation), swarms: this.#swarms, files: containerFiles, chance });
        return [name, { daemon, client: new DockerClient(daemon, { images: IMAGES, programs: this.#programs(), stacks: stackReader, chance }), hasPools: flags.defaultAddressPools.length > 0 }];
      }),
    );
    for (const [machine, { listen }] of Object.entries(PLAIN_MACHINES)) this.#processes.serve(machine, machine, listen);
  }

  #programs(): ConstructorParameters<typeof DockerClient>[1]["programs"] {
    return {
      start: async (container) => {
        const exit = this.#processes.start(this.#state(), container, this.#simulation.now);
        if (exit === undefined) return undefined;
        const argv = commandOf(container);
        // What the container is to see is there only once the tables have followed.
        if (isProgram(argv)) {
          this.#kernel.follow(this.#state());
            this.#followPackets();
          return run({ ...containerProcess(container, this.#surroundings()), workdir: container.spec.workdir ?? "/" }, argv);
        }
        return { exit, stdout: "", stderr: this.#processes.logsOf(container) };
      },
      exec: async (container, argv, { environment, workdir }) => {
        const process = containerProcess(container, this.#surroundings());
        return run({ ...process, environment, workdir }, argv);
      },
      logs: (container) => ({ exit: 0, stdout: "", stderr: this.#processes.logsOf(container) }),
    };
  }

  #state(): DockerState {
    const states = [...this.#hosts.values()].map(({ daemon }) => daemon.state());
    return {
      generation: states[0]!.generation,
      hosts: states.flatMap(({ hosts }) => hosts),
      networks: states.flatMap(({ networks }) => networks),
      containers: states.flatMap(({ containers }) => containers),
    };
  }

  #surroundings(): Surroundings {
    return { state: this.#state(), kernel: this.#kernel, traffic: this.#simulation.traffic, added: this.#added };
  }

  /** Processes, interfaces and tables follow what the daemons have done. */
  #settle(): void {
    // Whose policy starts it again does again what it did.
    for (let isEnded = true; isEnded; ) {
      const ended = this.#processes.follow(this.#state(), this.#simulation.now);
      for (const { container, exit } of ended) this.#hosts.get(container.host)?.daemon.exitContainer(container.id, exit);
      isEnded = ended.length > 0;
    }
    const state = this.#state();
    this.#tellListeners();
    this.#kernel.follow(state);
    this.#added.forget((place) => place.includes("/") && !state.containers.some(({ running, host, name }) => running && `${host}/${name}` === place));
    this.#followPackets();
  }

  #followPackets(): void {
    this.#simulation.follow(this.#state(), this.#processes.listening(), this.#added.all());
  }

  /** The ports of a host that its processes have are not free for the daemon. */
  #tellListeners(): void {
    for (const [name, { daemon }] of this.#hosts) {
      const now = this.#processes.listening().filter(({ place }) => place === name).map(listenerOf);
      const told = this.#listeners.get(name) ?? [];
      const isIn = (list: readonly ListenerSpec[]) => (one: ListenerSpec) => list.some((other) => other.protocol === one.protocol && other.port === one.port);
      for (const listener of told.filter((one) => !isIn(now)(one))) daemon.unlisten(listener);
      for (const listener of now.filter((one) => !isIn(told)(one))) daemon.listen(listener);
      this.#listeners.set(name, now);
    }
  }

  async docker(host: string, argv: readonly string[], stdin: string): Promise<CommandResult> {
    const { client } = this.#host(host);
    const routes = this.#added.count;
    this.#processes.openNew(keepsStdinOpen(argv));
    const { exit, stdout, stderr } = await this.#simulation.during(async () => client.run(argv, stdin));
    if (!isReading(argv) || this.#added.count !== routes) {
      this.#settle();
      this.#pass(this.#durationOf(argv));
    }
    return { exit, stdout: stdout.replace(/\n+$/, ""), stderr: stderr.replace(/^\n+|\n+$/g, "") };
  }

  #durationOf(argv: readonly string[]): number {
    if (!SWARM_NOUNS.includes(argv[1] ?? "")) return COMMAND_SECS;
    return LASTING.test(argv.join(" ")) && this.#chance.choose(2) === 1 ? SLOW_COMMAND_SECS : SWARM_COMMAND_SECS;
  }

  #host(name: string): Host {
    const host = this.#hosts.get(name);
    if (host === undefined) throw new Error(`there is no host ${JSON.stringify(name)}`);
    return host;
  }

  nextName(host: string, name: string): void {
    const { daemon } = this.#host(host);
    const own = daemon.makeName.bind(daemon);
    daemon.makeName = () => {
      daemon.makeName = own;
      return name;
    };
  }

  async command(machine: string, argv: readonly string[]): Promise<CommandResult> {
    const host = this.#hosts.get(machine);
    let result: CommandResult = { exit: 0, stdout: "", stderr: "" };
    const [, down] = /^ip link set \w+ (up|down)$/.exec(argv.join(" ")) ?? [];
    if (host !== undefined && down === "down") this.#swarms.cutOff(machine);
    else if (host !== undefined && down === "up") this.#swarms.restore(machine);
    else if (host !== undefined && /^ip r(oute)?( show)?$/.test(argv.join(" "))) result = { exit: 0, stdout: `${machineView(machine, this.#surroundings()).network.routes.join(" \n")} `, stderr: "" };
    else if (host !== undefined && !isLooking(argv)) result = commandOutcome(host.daemon, argv);
    else result = await run(machineView(machine, this.#surroundings()), argv);
    this.#settle();
    return { ...result, stdout: result.stdout.replace(/\n$/, ""), stderr: result.stderr.replace(/\n$/, "") };
  }

  async serve(machine: string, listen: readonly string[]): Promise<void> {
    const hostname = this.#state().hosts.find(({ name }) => name === machine)?.world.hostname ?? machine;
    this.#processes.serve(machine, hostname, listen);
    this.#settle();
  }

  async restartDaemon(host: string): Promise<void> {
    this.#host(host).daemon.restart();
    this.#kernel.restarted(host, this.#state().generation, this.#host(host).hasPools);
    this.#settle();
    this.#simulation.sleep(1);
  }

  async tasks(host: string, service: string, wanted: number): Promise<{ readonly running: number; readonly tasks: readonly string[] }> {
    const { client, daemon } = this.#host(host);
    daemon.swarm.settle();
    this.#settle();
    const runs = () => daemon.swarm.tasksOf(daemon.swarm.findService(service)).filter(({ isLive, isRunning }) => isLive && isRunning).length;
    for (let secs = 0; secs < LONGEST_WAIT_SECS && runs() < wanted; secs++) this.#pass(1);
    const format = "{{.Name}}\t{{.Node}}\t{{.DesiredState}}\t{{.Error}}";
    const { stdout } = await client.run(["docker", "service", "ps", "--no-trunc", "--format", format, service], "");
    const tasks = stdout.split("\n").filter((line) => line !== "");
    return { running: tasks.filter((line) => line.split("\t")[2] === "Running").length, tasks };
  }

  async sleep(secs: number): Promise<void> {
    for (const { daemon } of this.#hosts.values()) daemon.swarm.settle();
    this.#settle();
    await this.#gossip();
    this.#pass(secs);
  }

  /** Time passes: what falls due in the swarms meanwhile happens, and what follows from that. */
  #pass(secs: number): void {
    const { clock } = this.#swarms;
    const end = clock.now + secs * 1e9;
    for (let next = clock.nextAt; next !== undefined && next <= end; next = clock.nextAt) {
      this.#simulation.sleep((next - clock.now) / 1e9);
      this.#swarms.advanceTo(next);
      this.#settle();
    }
    this.#simulation.sleep((end - clock.now) / 1e9);
    clock.advanceTo(end);
  }

  /** The nodes of a swarm talk to one another all the time, which the recordings leave out: they know each other's MACs. */
  async #gossip(): Promise<void> {
    const nodes = this.#state().hosts.flatMap(({ name, swarm }) => (swarm?.role === undefined ? [] : [{ name, address: swarm.address }]));
    const pairs = nodes.flatMap((node) => nodes.filter((other) => other !== node).map((other) => ({ from: node.name, to: other.address })));
    if (pairs.length === 0 || !this.#simulation.hasPackets) return;
    const options = { size: 56, firstSequence: 0, count: 1, intervalMs: 1000, timeoutMs: 1000, dontFragment: false };
    await this.#simulation.during(() => Promise.all(pairs.map(({ from, to }) => this.#simulation.traffic.echo(from, to, options))));
  }

  learnIds(names: Names): void {
    const { hosts, networks, containers } = this.#state();
    for (const { host, name, id, scope } of networks) names.learnId(id, scope === "swarm" ? `net:${name}` : `net:${host}/${name}`);
    for (const { host, ipam } of networks) for (const { subnet } of ipam.config) names.learnSubnet(host, subnet);
    for (const network of networks.filter(isOfSwarm)) {
      for (const device of network.subnets.map((_, index) => `br${index}`)) {
        const mac = this.#simulation.macOf(`${network.host}/overlay:${network.name}`, device);
        if (mac !== undefined) names.learnOverlayDevice(network.host, network.name, device, mac);
      }
    }
    for (const { name, swarm } of hosts) if (swarm && swarm.nodeId !== "") names.learnId(swarm.nodeId, `node:${name}`);
    for (const { swarm } of hosts) for (const { id, name } of swarm?.services ?? []) names.learnId(id, `svc:${name}`);
    for (const { host, name, id, attachments } of containers) {
      const task = taskOf(name, names);
      if (task) names.learnId(task.id, `task:${task.name}`);
      names.learnId(id, `ctr:${host}/${task?.container ?? name}`);
      const own = names.placeholderOf(id)!.replace(/^ctr:/, "");
      for (const { network, endpoint } of [...attachments].sort((a, b) => (a.network < b.network ? -1 : 1))) {
        if (endpoint) names.learnEndpointMac(`${own}/${network}`, macText(endpoint), formatIpv4(endpoint.ip));
      }
    }
  }

  async observe(names: Names): Promise<{ readonly hosts: Json; readonly containers: Json }> {
    const state = this.#state();
    const hosts: Record<string, Json> = {};
    for (const host of state.hosts) {
      const { stdout } = await this.#host(host.name).client.run(["docker", "network", "ls", "--format", "{{.Name}}\t{{.Driver}}\t{{.Scope}}"], "");
      hosts[host.name] = observeHost(state, { host, networkList: stdout.split("\n").filter((line) => line !== "") }, this.#kernel, names);
    }
    const containers: Record<string, Json> = {};
    for (const container of state.containers) {
      let name = container.name;
      while (containers[name] !== undefined) name = `${container.host}/${name}`;
      containers[name] = observeContainer(state, container, this.#added.at(placeOf(state, container)));
    }
    return { hosts, containers };
  }

  async probe(rows: readonly Row[], twice: boolean): Promise<readonly Row[]> {
    const ask = async (row: Row, delay: number) => {
      await this.#simulation.after(delay);
      const refusal = this.#execRefusal(row.from);
      if (refusal !== undefined) return { ...row, result: `error: ${refusal}` };
      return probeRow(this.#processAt(row.from), row, (hostname) => this.#containerCalled(hostname)).catch((error: unknown) => ({ ...row, result: `failed: ${error}` }));
    };
    const first = await this.#askAll(rows, ask);
    if (!twice || !first.some(hasFailed)) return first;
    this.#simulation.sleep(0.5);
    const second = await this.#askAll(rows.filter((_, index) => hasFailed(first[index]!)), ask);
    return first.map((outcome) => (hasFailed(outcome) ? second.shift()! : outcome));
  }

  /** The probe of each source starts its rows one after the other; those of containers have to be started by their daemons first. */
  #askAll(rows: readonly Row[], ask: (row: Row, delay: number) => Promise<Row>): Promise<Row[]> {
    const sources = [...new Set(rows.map(({ from }) => from))];
    const asked = new Map<string, number>();
    return this.#simulation.during(() =>
      Promise.all(
        rows.map((row) => {
          const index = asked.get(row.from) ?? 0;
          asked.set(row.from, index + 1);
          const started = sources.indexOf(row.from) * SOURCE_MS + (this.#containerNamed(row.from) === undefined ? 0 : EXEC_MS);
          return ask(row, started + index * ROW_MS);
        }),
      ),
    );
  }

  /** A container by its name, on the first host that has it or on the host that is named, or a machine. */
  #processAt(from: string): ProcessView {
    const container = this.#containerNamed(from);
    return container === undefined ? machineView(from, this.#surroundings()) : containerProcess(container, this.#surroundings());
  }

  /** The probe of a container is started by `docker exec`. */
  #execRefusal(from: string): string | undefined {
    const container = this.#containerNamed(from);
    try {
      if (container) this.#host(container.host).daemon.checkExec(container.id);
      return undefined;
    } catch (error) {
      return responseOf(error);
    }
  }

  #containerNamed(name: string): ContainerState | undefined {
    const { containers } = this.#state();
    return containers.find((container) => container.running && container.name === name) ?? containers.find(({ running, host, name: own }) => running && `${host}/${own}` === name);
  }

  /** Servers say their host name; containers that share one say their owner's. */
  #containerCalled(hostname: string): string | undefined {
    return this.#state().containers.find((container) => container.running && container.network.mode === "sandbox" && container.hostname === hostname)?.name;
  }

  async capture(taps: readonly string[], filter: string, during: () => Promise<void>): Promise<readonly { readonly tap: string; readonly frames: readonly Frame[] }[]> {
    return this.#simulation.capture(taps.map((tap) => ({ tap, ...this.#deviceAt(tap) })), filter, during);
  }

  /** `c1:eth0`, `h1:docker0`, `h1:net=app`: the bridge of a network. */
  #deviceAt(tap: string): { readonly place: string; readonly device: string } {
    const at = tap.lastIndexOf(":");
    const [where, device] = [tap.slice(0, at), tap.slice(at + 1)];
    const container = this.#containerNamed(where);
    if (container !== undefined) return { place: containerProcess(container, this.#surroundings()).place, device };
    if (!device.startsWith("net=")) return { place: where, device };
    const network = this.#state().networks.find(({ host, name }) => host === where && name === device.slice("net=".length));
    if (network === undefined || !("bridge" in network)) throw new Error(`${tap}: there is no bridge of such a network`);
    return { place: where, device: network.bridge.device };
  }

  async dispose(): Promise<void> {
    this.#simulation.dispose();
  }
}

/** `web.1.ID` is task `web.1` and container `web.1`; of a global service, `web.NODE.ID`, they are `web.h1` and `web`. */
function taskOf(name: string, names: Names): { readonly id: string; readonly name: string; readonly container: string } | undefined {
  const [, service = "", place = "", id = ""] = /^([^.]+)\.(\d+|[0-9a-z]{25})\.([0-9a-z]{25})$/.exec(name) ?? [];
  if (id === "") return undefined;
  const node = names.placeholderOf(place)?.replace(/^node:/, "");
  return node === undefined ? { id, name: `${service}.${place}`, container: `${service}.${place}` } : { id, name: `${service}.${node}`, container: service };
}

/** `ip route`, `ip -4 addr show`… of a machine. */
function isLooking(argv: readonly string[]): boolean {
  const [program, , verb = "show"] = argv.filter((word) => !word.startsWith("-"));
  if (program === "sysctl") return !argv.some((word) => word === "-w" || word.includes("="));
  return program === "ip" && /^(show|list|ls|lst)$/.test(verb);
}

function isReading([, verb = "", noun = ""]: readonly string[]): boolean {
  return READING.has(verb) || READING.has(`${verb} ${noun}`);
}

/** `-i` or `-t`, alone or among other letters, before the image. */
function keepsStdinOpen([, verb, ...words]: readonly string[]): boolean {
  if (verb !== "run" && verb !== "create") return false;
  const image = words.findIndex((word) => IMAGES.some(({ name }) => word === name || word === `${name}:latest`));
  return words.slice(0, image === -1 ? words.length : image).some((word) => /^-[a-zA-Z]*[it]/.test(word) || word === "--interactive" || word === "--tty");
}

/** Go listens on both families, but for the probes' datagrams (`udp4`). */
function listenerOf({ protocol, port }: Listening): ListenerSpec {
  return { protocol, address: protocol === "udp" ? "0.0.0.0" : "::", port, process: "netprobe" };
}

/** A command of a host's user that iptables or the kernel refuse ends as it does there. */
function commandOutcome(host: CommandedHost, argv: readonly string[]): CommandResult {
  try {
    runOnHost(host, argv);
    const settings = argv[0] === "sysctl" && argv.includes("-w") ? argv.filter((word) => word.includes("=")) : [];
    return { exit: 0, stdout: settings.map((setting) => setting.replace("=", " = ")).join("\n"), stderr: "" };
  } catch (error) {
    if (!(error instanceof SimulationError)) throw error;
    const { iptables, daemon } = error.details;
    if (typeof iptables === "string") return { exit: 1, stdout: "", stderr: iptables };
    if (typeof daemon === "string") return { exit: 2, stdout: "", stderr: daemon };
    throw error;
  }
}
