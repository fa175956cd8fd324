import { refuse, unsupported } from "../refusal";
import type { Cluster } from "./cluster";
import { readConstraint } from "./constraints";
import type { ClusterService } from "./objects";
import { placementOf, updatePolicyOf, type ServicePort, type ServiceSpec } from "./service-spec";
import { refuseRpc } from "./words";

/** swarmkit manager/controlapi/service.go: validateAnnotations, a DNS name component (RFC 1123). */
const NAME = /^[a-zA-Z0-9](?:[-_]*[A-Za-z0-9]+)*$/;
const LONGEST_NAME = 63;
/** swarmkit manager/controlapi/service.go: validateResources: 1 ms of CPU time a second, 4 MiB. */
const LEAST_CPUS = 1e6;
const LEAST_MEMORY = 4 * 1024 * 1024;

/** What managers refuse about a service (swarmkit manager/controlapi/service.go; moby daemon/cluster/convert/service.go). */
export function checkService(spec: ServiceSpec, own: ClusterService | undefined, cluster: Cluster): void {
  const subject = `service ${spec.name}`;
  if (spec.endpointMode !== "vip" && spec.endpointMode !== "dnsrr") refuse(400, subject, `invalid resolution mode: ${JSON.stringify(spec.endpointMode)}`);
  if (!NAME.test(spec.name)) refuseRpc("InvalidArgument", subject, "name must be valid as a DNS name component");
  if (spec.name.length > LONGEST_NAME) refuseRpc("InvalidArgument", subject, `name must be ${LONGEST_NAME} characters or fewer`);
  checkResources(spec, subject);
  checkPlacement(spec, subject);
  checkPolicies(spec, subject);
  checkEndpoint(spec, subject, cluster);
  for (const other of cluster.orchestrator.services) if (other !== own) checkPorts(spec.ports, other, subject);
  for (const { network } of spec.networks) {
    const found = cluster.findNetwork(network);
    if (found?.spec.ingress === true) refuseRpc("InvalidArgument", subject, `Service cannot be explicitly attached to the ingress network ${JSON.stringify(found.spec.name)}`);
    if (found && !found.isOverlay) unsupported(subject, "a service on a swarm-wide network of another driver than overlay");
  }
}

function checkResources({ limits, reservations }: ServiceSpec, subject: string): void {
  for (const { nanoCpus = 0, memoryBytes = 0 } of [limits ?? {}, reservations ?? {}]) {
    if (nanoCpus !== 0 && nanoCpus < LEAST_CPUS) refuseRpc("InvalidArgument", subject, `invalid cpu value ${goFloat(nanoCpus / 1e9)}: Must be at least ${LEAST_CPUS / 1e9}`);
    if (memoryBytes !== 0 && memoryBytes < LEAST_MEMORY) refuseRpc("InvalidArgument", subject, `invalid memory value ${memoryBytes}: Must be at least 4MiB`);
  }
}

/** As Go prints it: exponents have two digits. */
function goFloat(value: number): string {
  return String(value).replace(/e([+-])(\d)$/, "e$10$2");
}

function checkPlacement(spec: ServiceSpec, subject: string): void {
  for (const text of placementOf(spec).constraints) {
    const read = readConstraint(text);
    if (typeof read === "string") refuseRpc("Unknown", subject, read);
  }
}

function checkPolicies({ update, rollback, restart, job }: ServiceSpec, subject: string): void {
  if ((restart?.delay ?? 0) < 0) refuseRpc("InvalidArgument", subject, "TaskSpec: restart-delay cannot be negative");
  if ((restart?.window ?? 0) < 0) refuseRpc("InvalidArgument", subject, "TaskSpec: restart-window cannot be negative");
  if (job && update) refuseRpc("InvalidArgument", subject, "Jobs may not have an update config");
  for (const policy of [update, rollback]) {
    const { maxFailureRatio, delay, monitor } = updatePolicyOf(policy);
    if (delay < 0) refuseRpc("InvalidArgument", subject, "TaskSpec: update-delay cannot be negative");
    if (monitor < 0) refuseRpc("InvalidArgument", subject, "TaskSpec: update-monitor cannot be negative");
    if (maxFailureRatio < 0 || maxFailureRatio > 1) refuseRpc("InvalidArgument", subject, "TaskSpec: update-maxfailureratio cannot be less than 0 or bigger than 1");
  }
}

function checkEndpoint(spec: ServiceSpec, subject: string, cluster: Cluster): void {
  const published = spec.ports.filter((port) => port.published !== 0);
  const keys = published.map(({ published: port, protocol, mode }) => `${port}/${protocol}/${mode}`);
  if (new Set(keys).size < keys.length) refuseRpc("InvalidArgument", subject, "EndpointSpec: duplicate published ports provided");
  const usesMesh = spec.ports.some(({ mode }) => mode === "ingress");
  if (usesMesh && spec.endpointMode === "dnsrr") {
    refuseRpc("InvalidArgument", subject, "EndpointSpec: port published with ingress mode can't be used with dnsrr mode");
  }
  if (usesMesh && !cluster.ingress) refuseRpc("FailedPrecondition", subject, "service needs ingress network, but no ingress network is present");
}

function checkPorts(ports: readonly ServicePort[], other: ClusterService, subject: string): void {
  for (const { published: port, protocol, mode } of ports) {
    const clash = port === 0 ? undefined : other.ports.find((taken) => taken.published === port && taken.protocol === protocol);
    // Two services may both publish on their hosts: that is the scheduler's affair.
    if (!clash || (clash.mode === "host" && mode === "host")) continue;
    const kind = clash.mode === "ingress" ? "as an ingress port" : "as a host-published port";
    refuseRpc("InvalidArgument", subject, `port '${port}' is already in use by service '${other.spec.name}' (${other.id}) ${kind}`);
  }
}
