import type { CommandOutcome, Programs } from "../../client";
import { SimulationError } from "../../errors";
import type { ContainerState, DockerState } from "../../model/state";
import { containerView, isOneShot, type ProcessView, run, UnknownProgram } from "../../programs";
import type { OperationTurn } from "../lab-operations";
import type { ProbeContext } from "../probe/context";
import { LabPackets } from "./packets";

/**
 * The programs of a lab's containers: what a client of the network is likely to run, as its packets decide. First processes run on, but for
 * such a program. `outcomes` keeps what came of them: a replay runs nothing anew.
 */
export function labPrograms({ probing, follow, isReplay }: OperationTurn, outcomes: CommandOutcome[]): Programs {
  let turn = 0;
  const once = async (container: ContainerState, argv: readonly string[], environment: readonly string[], workdir = container.spec.workdir ?? "/"): Promise<CommandOutcome> => {
    if (isReplay) return outcomes[turn++] ?? { exit: 0, stdout: "", stderr: "" };
    await follow();
    const outcome = await attempt({ ...processOf(container, environment, probing), workdir }, container.name, argv);
    outcomes.push(outcome);
    return outcome;
  };
  return {
    start: (container) => {
      const argv = container.spec.command ?? [];
      return isOneShot(argv) ? once(container, argv, container.environment ?? []) : undefined;
    },
    exec: (container, argv, { environment, workdir }) => once(container, argv, environment, workdir),
    logs: () => ({ exit: 0, stdout: "", stderr: "" }),
  };
}

async function attempt(process: LabProcess, name: string, argv: readonly string[]): Promise<CommandOutcome> {
  try {
    if (process.network.ifaces.length === 0 && process.isHost && argv[0] === "ip") throw new UnknownProgram("expected a container with a network of its own for ip, found one of the host");
    return await run(process, argv);
  } catch (error) {
    if (!(error instanceof UnknownProgram)) throw error;
    throw new SimulationError("UNSUPPORTED", `docker exec ${name}: ${error.message}`);
  }
}

interface LabProcess extends ProcessView {
  /** It is in its host's network. */
  readonly isHost: boolean;
}

/** A container as the programs in it see it. */
export function processOf(container: ContainerState, environment: readonly string[], probing: ProbeContext): LabProcess {
  const { state } = probing.topology;
  const owner = ownerOf(state, container);
  const { hostname, hostsFile = [], resolvConf = [], spec } = container;
  const host = owner === undefined ? state.hosts.find(({ name }) => name === container.host) : undefined;
  const network = owner === undefined ? { ifaces: [], routes: [] } : containerView(state, owner);
  return {
    isHost: owner === undefined,
    place: container.name,
    hostname: host?.world.hostname ?? owner?.hostname ?? hostname,
    hosts: hostsFile,
    resolvConf,
    environment,
    network,
    // lo is the first one.
    interfaceIndex: (name) => 1 + (owner?.endpoints.find(({ interfaceName }) => interfaceName === name)?.index ?? 0),
    peerMark: () => "",
    sysctl: (name) => spec.sysctls?.[name.replaceAll("/", ".")] ?? (name === "net/ipv4/ip_forward" ? "1" : name === LOOPBACK_WITHOUT_IPV6 ? String(Number(!hasIpv6(state, owner))) : undefined),
    // Without NET_ADMIN, which nobody has unless given.
    addRoute: () => "ip: RTNETLINK answers: Operation not permitted",
    traffic: new LabPackets(probing),
  };
}

const LOOPBACK_WITHOUT_IPV6 = "net/ipv6/conf/lo/disable_ipv6";

/** Whether lo of a sandbox has ::1: if another interface has an address; since Docker 26, and in a namespace that runc makes, always. */
function hasIpv6({ generation, hosts }: DockerState, owner: ContainerState | undefined): boolean {
  if (owner === undefined || hosts.find(({ name }) => name === owner.host)?.world.ipv6 !== true) return false;
  return generation !== "20.10" || owner.networkDisabled || owner.endpoints.some(({ ipv6 }) => ipv6 !== undefined);
}

/** Whose sandbox a container has; undefined: its host's. */
function ownerOf(state: DockerState, container: ContainerState): ContainerState | undefined {
  const { network, host } = container;
  if (network.mode === "host") return undefined;
  if (network.mode !== "container" || network.orphaned) return container;
  const joined = state.containers.find((other) => other.host === host && (other.name === network.container || other.id === network.container));
  return joined === undefined ? container : ownerOf(state, joined);
}
