import type { Attachment, Container } from "./container";
import { createContainer } from "./container-create";
import type { GenerationRules } from "./generation";
import type { FilesPart } from "./files";
import { checkProcess, exitOfRefusal } from "./first-process";
import type { Host } from "./host";
import type { Ids } from "./ids";
import { byLinkName, checkLinks, linkNamesOf, removeLink } from "./container-links";
import { checkAttachment, completeAliases, dnsNamesOf, SHARED } from "./joining";
import type { Networks } from "./networks";
import { nameNobodyHas } from "./names";
import { daemonWords, refuse, type RefusalStatus, rethrow } from "./refusal";
import { type RestartPolicy, restartsForever, updatePolicy, wantsRestart, wantsRevival } from "./restart-policy";
import type { Sandboxes } from "./sandboxes";
import { exitOnSignal, signalNumber } from "./signals";
import type { ContainerSpec, EndpointSpec, ExposedPort } from "./spec";
import type { ContainerState } from "./state";

export interface ContainerContext {
  readonly rules: GenerationRules;
  readonly ids: Ids;
  readonly host: Host;
  readonly hostName: string;
  readonly networks: Networks;
  readonly sandboxes: Sandboxes;
  readonly files: FilesPart | undefined;
  /** The process of a container has ended. */
  ended(container: Container): void;
}

/** moby daemon/names/names.go: RestrictedNameChars, followed by at least one more. */
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

const EXIT_KILLED = 137;
/** Linux include/uapi/linux/utsname.h: __NEW_UTS_LEN. */
const HOSTNAME_MAX = 64;

/** The containers of a daemon, and what happens to them. */
export class Containers {
  readonly #context: ContainerContext;
  readonly #byId = new Map<string, Container>();
  #starts = 0;

  constructor(context: ContainerContext) {
    this.#context = context;
    context.sandboxes.linkedBy = (child) => this.list().filter(({ links }) => links.some((link) => link.child === child));
  }

  list(): Container[] {
    return [...this.#byId.values()];
  }

  /** By ID, then by name, then by the start of an ID (moby daemon/container.go: GetContainer). */
  find(reference: string): Container | undefined {
    const name = reference.replace(/^\//, "");
    const exact = this.#byId.get(reference) ?? this.list().find((container) => container.name === name) ?? byLinkName(this.list(), name)?.link.child;
    if (exact || !/^[0-9a-f]+$/.test(reference)) return exact;
    const byPrefix = this.list().filter(({ id }) => id.startsWith(reference));
    if (byPrefix.length > 1) refuse(400, `container ${reference}`, `Multiple IDs found with provided prefix: ${reference}`);
    return byPrefix[0];
  }

  get(reference: string): Container {
    return this.find(reference) ?? refuse(404, `container ${reference}`, `No such container: ${reference}`);
  }

  create(spec: ContainerSpec): Container {
    const { rules, host, ids, hostName, networks } = this.#context;
    const container = createContainer(spec, {
      rules,
      hostname: host.world.hostname,
      newId: (name) => ids.id("container", hostName, name),
      findContainer: (reference) => this.find(reference),
      findNetwork: (reference) => networks.find(reference),
      checkName: (name) => this.#checkName(name, "", `container ${name}`, spec.position),
    });
    this.#byId.set(container.id, container);
    return container;
  }

  /** By a person. */
  start(container: Container): void {
    container.restartCount = 0;
    this.#start(container);
  }

  #start(container: Container): void {
    if (container.status === "paused") refuse(409, subjectOf(container), "cannot start a paused container, try unpause instead");
    if (container.isRunning) return;
    try {
      this.#setUp(container);
    } catch (error) {
      if (this.#context.rules.ports.remembersShown) container.listed = { ports: container.shownPorts, showsExposed: container.showsExposed };
      this.#context.sandboxes.tearDown(container);
      container.error = daemonWords(error);
      container.exitCode = container.exitCode || exitOfRefusal(container.error);
      if (container.spec.autoRemove) this.#byId.delete(container.id);
      throw error;
    }
    container.status = "running";
    container.listed = undefined;
    container.hasRun = true;
    container.stoppedByHand = false;
    container.error = "";
    container.exitCode = 0;
    container.startOrder = ++this.#starts;
    container.environment = this.#context.files?.environmentOf(container);
    this.#listen(container);
  }

  /** `exitCode`: of a process that ends by itself. */
  exit(container: Container, exitCode: number): void {
    if (!container.isRunning) return;
    this.#unlisten(container);
    this.#context.sandboxes.tearDown(container);
    container.status = "exited";
    container.environment = undefined;
    container.exitCode = exitCode;
    if (container.spec.autoRemove) this.#byId.delete(container.id);
    this.#context.ended(container);
  }

  /**
   * A process has ended by itself, and runs again where the policy says so. Time stands still meanwhile: one that ends at once, again and
   * again, is left where the daemon waits to start it anew.
   */
  exitByItself(container: Container, exitCode: number): void {
    if (!container.isRunning) return;
    this.exit(container, exitCode);
    if (!this.#byId.has(container.id) || !wantsRestart(container, exitCode)) return;
    if (restartsForever(container.spec) && container.restartCount > 0) {
      container.status = "restarting";
      return;
    }
    container.restartCount++;
    this.revive(container);
  }

  stop(container: Container): void {
    container.stoppedByHand = true;
    if (container.status === "restarting") container.status = "exited";
    this.exit(container, exitOnTerm(container));
  }

  restart(reference: string): void {
    const container = this.get(reference);
    const { autoRemove } = container.spec;
    const before = container.isRunning;
    try {
      if (before && !autoRemove) this.exit(container, exitOnTerm(container));
      this.start(container);
    } catch (error) {
      rethrow(error, (words) => `Cannot restart container ${reference}: ${words}`, subjectOf(container));
    }
  }

  kill(reference: string, signal: string): void {
    const prefix = `Cannot kill container: ${reference}: `;
    const number = signalNumber(signal, `container ${reference}`, { prefix, invalidSignal: this.#context.rules.messages.invalidSignal });
    const container = this.find(reference) ?? refuse(404, `container ${reference}`, `${prefix}No such container: ${reference}`);
    if (!container.isRunning) refuse(409, subjectOf(container), `${prefix}Container ${container.id} is not running`);
    container.stoppedByHand = true;
    const exitCode = exitOnSignal(number, endOnTerm(container, number));
    if (exitCode !== undefined) this.exit(container, exitCode);
  }

  /** `docker rm --link`. */
  unlink(reference: string): void {
    this.get(reference);
    this.#context.sandboxes.refresh(removeLink(this.list(), reference));
  }

  /** `docker update --restart`. */
  update(reference: string, policy: RestartPolicy): void {
    updatePolicy(this.get(reference), policy);
  }

  pause(reference: string): void {
    const container = this.get(reference);
    if (container.status === "paused") refuse(409, subjectOf(container), `Container ${container.id} is already paused`);
    if (!container.isRunning) refuse(409, subjectOf(container), `Container ${container.id} is not running`);
    container.status = "paused";
  }

  unpause(reference: string): void {
    const container = this.get(reference);
    if (container.status !== "paused") refuse(500, subjectOf(container), `Container ${container.id} is not paused`);
    container.status = "running";
  }

  remove(reference: string, force: boolean): void {
    const container = this.get(reference);
    if (container.isRunning && !force) {
      refuse(409, subjectOf(container), this.#context.rules.messages.stillRuns(container, container.status === "paused"));
    }
    this.exit(container, EXIT_KILLED);
    this.#byId.delete(container.id);
  }

  rename(reference: string, name: string): void {
    if (reference === "" || name === "") refuse(400, "container", "Neither old nor new names may be empty");
    const container = this.get(reference);
    const to = name.replace(/^\//, "");
    if (container.name === to) refuse(400, subjectOf(container), "Renaming a container with the same name as its current name");
    this.#checkName(to, "Error when allocating new name: ", subjectOf(container));
    container.name = to;
    this.#context.sandboxes.rename(container);
  }

  /** What `docker exec` refuses; links are looked at again for the environment of the new process. */
  checkExec(reference: string): void {
    const container = this.get(reference);
    if (container.status === "paused") refuse(409, subjectOf(container), `Container ${reference} is paused, unpause the container before exec`);
    if (!container.isRunning) refuse(409, subjectOf(container), `Container ${container.id} is not running`);
    checkLinks(container);
  }

  connect(reference: string, endpoint: EndpointSpec): void {
    const { networks, rules, sandboxes } = this.#context;
    const container = this.get(reference);
    const unknown = rules.endpoints.check(endpoint, 1);
    if (unknown !== undefined) refuse(400, subjectOf(container), unknown, endpoint.position ?? container.spec.position);
    if (container.isRunning) {
      if (container.sharedWith !== undefined) refuse(400, subjectOf(container), SHARED, endpoint.position);
      if (sandboxes.lacksBridge(container, endpoint.network)) return;
      if (container.isHostMode && networks.find(endpoint.network)?.driver !== "host") {
        networks.get(endpoint.network, subjectOf(container), endpoint.position);
        refuse(400, subjectOf(container), SHARED, endpoint.position);
      }
      sandboxes.connect(container, endpoint.network, endpoint);
      return;
    }
    const network = networks.find(endpoint.network);
    const key = network?.name ?? endpoint.network;
    if (network) checkAttachment(container, network, endpoint, networks.list(), rules);
    if (container.attachments.has(key)) return;
    const attachment: Attachment = { spec: { ...endpoint, network: key }, networkId: "", aliases: undefined, viaConnect: true };
    if (network) completeAliases(container, network, attachment, rules);
    if (network && !network.isPredefined) attachment.dnsNames = dnsNamesOf(container, attachment, rules);
    container.attachments.set(key, attachment);
  }

  disconnect(reference: string, wanted: string, force: boolean): void {
    const { networks, rules, sandboxes } = this.#context;
    const container = force ? this.find(reference) : this.get(reference);
    const network = networks.find(wanted);
    // Of a container that is not here, only what another daemon has left behind could go.
    if (!container) refuse(404, `container ${reference}`, network ? `endpoint ${reference} not found` : `network ${wanted} not found`);
    if (!container.isRunning || (!network && force)) {
      const key = network?.name ?? wanted;
      if (!container.attachments.delete(key)) refuse(500, subjectOf(container), `container ${container.id} is not connected to the network ${key}`);
      return;
    }
    if (!network) refuse(404, subjectOf(container), `network ${wanted} not found`);
    if (container.isHostMode && network.driver === "host") refuse(400, subjectOf(container), rules.messages.leavesHostNetwork);
    sandboxes.disconnect(container, network);
  }

  /** Stops everything, as the daemon does before it ends; returns who is to run again when it is back. */
  shutDown(): Container[] {
    const running = this.list().filter(({ isRunning }) => isRunning);
    const revived = this.list().filter((container) => wantsRevival(container, exitOnTerm(container)));
    for (const container of running) this.exit(container, exitOnTerm(container));
    return revived.filter(({ id }) => this.#byId.has(id));
  }

  /** The daemon starts a container by its policy; whose start fails stays as it is. */
  revive(container: Container): void {
    try {
      this.#start(container);
    } catch {
      // The daemon logs it; the container shows the error.
    }
  }

  state(container: Container): ContainerState {
    const { rules, hostName, files } = this.#context;
    const owner = this.#owner(container);
    const isOrphaned = container.sharedWith !== undefined && container.isRunning && owner?.sandboxId !== container.sandboxId;
    return container.state({ host: hostName, rules, isOrphaned, shared: owner, sharedFiles: this.#byId.get(container.filesOf?.id ?? "")?.files, linked: files?.linkedTo(container) ?? [], linkNames: linkNamesOf(this.list(), container) });
  }

  /** Two words that no container has. */
  makeName(): string {
    return nameNobodyHas(this.#context.ids, (name) => this.find(name) !== undefined);
  }

  #setUp(container: Container): void {
    const { sandboxes, ids, rules } = this.#context;
    const { messages } = rules;
    if (container.sharedWith !== undefined) {
      const owner = this.#runningOwner(container, container.sharedWith);
      container.sandboxId = owner.sandboxId;
      container.filesOf = owner.filesOf ?? owner;
      container.hostname = owner.hostname;
      container.domainname = owner.domainname;
      return;
    }
    container.sandboxId = container.isHostMode ? "host" : ids.id("sandbox", container.name);
    try {
      // Docker 29 connects a process that is there.
      if (rules.sandbox.madeFirst && container.spec.startFailure) {
        sandboxes.prepare(container);
        checkProcess(container, messages);
      }
      sandboxes.setUp(container);
    } catch (error) {
      if (container.spec.startFailure) throw error;
      if (messages.startFailure === "" || /OCI runtime/.test(daemonWords(error))) throw error;
      rethrow(error, (words) => `${messages.startFailure}${words}`, subjectOf(container));
    }
    checkLinks(container);
    if (container.hostname.length > HOSTNAME_MAX) {
      refuse(500, subjectOf(container), messages.runcFailure("unable to start container process: error during container init: sethostname: invalid argument"));
    }
    checkProcess(container, messages);
    const forbidden = Object.keys(container.spec.sysctls ?? {}).find((name) => name.startsWith("net."));
    if (container.isHostMode && forbidden !== undefined) {
      refuse(500, subjectOf(container), messages.runcFailure(`sysctl ${JSON.stringify(forbidden)} not allowed in host network namespace`));
    }
  }

  #owner(container: Container): Container | undefined {
    const { sharedWith } = container;
    return sharedWith === undefined ? undefined : this.find(sharedWith);
  }

  #runningOwner(container: Container, target: string): Container {
    const { messages } = this.#context.rules;
    const fail = (status: RefusalStatus, daemon: string): never => refuse(status, subjectOf(container), daemon, container.spec.position);
    const owner = this.find(target) ?? fail(404, messages.noContainerToJoin(target));
    if (owner === container) return fail(500, messages.joinsItself);
    return owner.isRunning ? owner : fail(409, messages.notRunning(owner.name, owner.id, owner.status));
  }

  #checkName(name: string, prefix: string, subject: string, position?: ContainerSpec["position"]): void {
    const shown = prefix === "" ? name : `/${name}`;
    if (!NAME.test(name)) refuse(400, subject, `${prefix}Invalid container name (${shown}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`, position);
    const other = this.list().find((container) => container.name === name);
    if (!other) return;
    const conflict = `${prefix}Conflict. The container name "/${name}" is already in use by container "${other.id}"`;
    refuse(409, subject, `${conflict}. You have to remove (or rename) that container to be able to reuse that name.`, position);
  }

  /** The ports of its image, if its own command runs: a second listener in one namespace ends at once. */
  #listen(container: Container): void {
    const { host } = this.#context;
    const ports = listensOf(container);
    const others = this.list().filter((other) => other !== container && other.isRunning && other.sandboxId === container.sandboxId);
    const taken = others.flatMap(listensOf);
    const isTaken = ports.some((port) => taken.some((other) => other.port === port.port && other.protocol === port.protocol));
    const isHeld = container.isHostMode && ports.some(({ protocol, port }) => this.#isHeldOnHost(protocol, port));
    if (isTaken || isHeld) this.exit(container, 1);
    else if (container.isHostMode) for (const { protocol, port } of ports) host.listen({ protocol, port, address: "*", process: container.name });
  }

  #isHeldOnHost(protocol: string, port: number): boolean {
    const isHeld = (held: { readonly protocol: string; readonly port: number }) => held.protocol === protocol && held.port === port;
    const bindings = this.list().flatMap((container) => container.bindings.map((binding) => ({ protocol: binding.protocol, port: binding.hostPort })));
    return [...this.#context.host.world.listeners, ...bindings].some(isHeld);
  }

  #unlisten(container: Container): void {
    const { host } = this.#context;
    if (!container.isHostMode) return;
    for (const { protocol, address, port, process } of host.world.listeners) {
      if (process === container.name) host.unlisten({ protocol, address, port });
    }
  }
}

function subjectOf({ name }: Container): string {
  return `container ${name}`;
}

function exitOnTerm({ spec }: Container): number {
  return (runsImage(spec) ? spec.image?.exitOnTerm : undefined) ?? EXIT_KILLED;
}

function listensOf({ spec }: Container): readonly ExposedPort[] {
  return (runsImage(spec) ? spec.image?.listens : undefined) ?? [];
}

/** Whether its process is the command of its image. */
function runsImage({ command = [] }: ContainerSpec): boolean {
  return command.length === 0;
}

/** What a first process makes of a signal that asks it to end: of an image of which nothing is known, what most programs do. */
function endOnTerm({ spec }: Container, signal: number): number | undefined {
  const isUnknown = runsImage(spec) && (spec.image === undefined || spec.image.command.length === 0);
  return isUnknown ? 128 + signal : runsImage(spec) ? spec.image?.exitOnTerm : undefined;
}
