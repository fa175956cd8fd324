import { formatIp } from "../../net/ip";
import { addressOf } from "../../model/block";
import { holds } from "../../model/swarm/allotment";
import { Answer, NO_POINTER, NO_SLICE, Nothing, textMap, type AnswerField, type AnswerValue } from "../../model/inspect/answer";
import { CREATED } from "../../model/inspect/network";
import type { ClusterService } from "../../model/swarm/objects";
import { placementOf, restartRulesAsSaid, stopGraceOf, updatePolicyOf, type FileReference, type ResourceSpec, type ServicePort, type ServiceSpec, type UpdatePolicy } from "../../model/swarm/service-spec";
import { healthFields, logDriverFields, mountAnswer, ulimitAnswers } from "./process-answer";
import { capabilityName } from "./process-flags";
import { taggedImage } from "./tasks";

/** What JSON leaves out if there is nothing in it comes back from there as nil. */
const optional = (json: string, value: AnswerValue): AnswerField => ({ json, value: Array.isArray(value) && value.length === 0 ? NO_SLICE : value, omitEmpty: true });

/** moby api/types/swarm. */
export const SERVICE_TYPES = {
  "": "swarm.Service", Version: "swarm.Version", Spec: "swarm.ServiceSpec", "Spec.TaskTemplate": "swarm.TaskSpec", "Spec.TaskTemplate.ContainerSpec": "*swarm.ContainerSpec", "Spec.Mode": "swarm.ServiceMode",
  PreviousSpec: "*swarm.ServiceSpec", Endpoint: "swarm.Endpoint", "Endpoint.Spec": "swarm.EndpointSpec", UpdateStatus: "*swarm.UpdateStatus", JobStatus: "*swarm.JobStatus",
};

/** What `docker service inspect` shows. */
export function inspectService(service: ClusterService, isOf29: boolean): Answer {
  const { id, spec, ports, virtualIps, hasEndpoint, previousSpec, updateStatus, version, iteration } = service;
  const addresses = [...virtualIps].map(([network, value]) => {
    const { family, prefixLength } = network.subnets?.find(({ subnet }) => holds(subnet, value))?.subnet ?? { family: 4, prefixLength: 32 };
    return Answer.of({ NetworkID: network.id, Addr: `${formatIp(addressOf(family, value))}/${prefixLength}` });
  });
  const status: AnswerField[] = updateStatus
    ? [{
        json: "UpdateStatus",
        value: new Answer([
          { json: "State", value: updateStatus.state },
          { json: "StartedAt", value: CREATED },
          ...(updateStatus.completedAt === undefined ? [] : [{ json: "CompletedAt", value: CREATED }]),
          { json: "Message", value: updateStatus.message },
        ]),
      }]
    : [{ json: "UpdateStatus", value: new Nothing("pointer"), omitEmpty: true }];
  const job: AnswerField[] = spec.job ? [{ json: "JobStatus", value: Answer.of({ JobIteration: new Answer([optional("Index", iteration)]), LastExecution: CREATED }) }] : [{ json: "JobStatus", value: new Nothing("pointer"), omitEmpty: true }];
  return new Answer([
    { json: "ID", value: id },
    { json: "Version", value: Answer.of({ Index: version }) },
    { json: "CreatedAt", value: CREATED },
    { json: "UpdatedAt", value: CREATED },
    { json: "Spec", value: specOf(spec, { isOf29, isFilled: true }) },
    { json: "PreviousSpec", value: previousSpec ? specOf(previousSpec, { isOf29, isFilled: false }) : new Nothing("pointer"), omitEmpty: true },
    { json: "Endpoint", value: new Answer([{ json: "Spec", value: hasEndpoint ? endpointSpecOf(spec) : new Answer([]) }, optional("Ports", ports.map(portOf)), optional("VirtualIPs", addresses)]) },
    ...status,
    ...job,
  ]);
}

interface SpecForm {
  readonly isOf29: boolean;
  /** With what the managers put in for what is not said. */
  readonly isFilled: boolean;
}

function specOf(spec: ServiceSpec, form: SpecForm): Answer {
  const { isFilled } = form;
  const policies: AnswerField[] = [
    ...(isFilled || spec.update ? [{ json: "UpdateConfig", value: policyAnswer(updatePolicyOf(spec.update)) }] : []),
    ...(isFilled || spec.rollback ? [{ json: "RollbackConfig", value: policyAnswer(updatePolicyOf(spec.rollback)) }] : []),
  ];
  return new Answer([
    { json: "Name", value: spec.name },
    { json: "Labels", value: textMap(spec.labels) },
    { json: "TaskTemplate", value: templateAnswer(spec, form) },
    { json: "Mode", value: modeOf(spec) },
    ...policies,
    { json: "EndpointSpec", value: endpointSpecOf(spec) },
  ]);
}

function templateAnswer(spec: ServiceSpec, form: SpecForm): Answer {
  const networks = spec.networks.map(({ network, aliases }) => new Answer([{ json: "Target", value: network }, optional("Aliases", aliases)]));
  const { condition, delay, maxAttempts, window } = restartRulesAsSaid(spec);
  const restart: AnswerField[] = form.isFilled || spec.restart
    ? [{ json: "RestartPolicy", value: new Answer([{ json: "Condition", value: condition }, { json: "Delay", value: delay }, { json: "MaxAttempts", value: maxAttempts }, optional("Window", window)]) }]
    : [];
  const { constraints, preferences, maxPerNode } = placementOf(spec);
  const spread = preferences.map((descriptor) => Answer.of({ Spread: Answer.of({ SpreadDescriptor: descriptor }) }));
  return new Answer([
    { json: "ContainerSpec", value: containerOf(spec, form) },
    { json: "Resources", value: amountsOf(spec) },
    ...restart,
    { json: "Placement", value: new Answer([optional("Constraints", constraints), optional("Preferences", spread), optional("MaxReplicas", maxPerNode)]) },
    optional("Networks", networks),
    ...logDriverFields(spec.process ?? {}),
    { json: "ForceUpdate", value: spec.forced ?? 0 },
    { json: "Runtime", value: "container" },
  ]);
}

function containerOf(spec: ServiceSpec, { isOf29, isFilled }: SpecForm): Answer {
  const { container, secrets = [], configs = [], process = {} } = spec;
  const { entrypoint = [], workdir = "", user = "", groups = [], init = false, stopSignal = "", tty = false, isReadOnly = false, mounts = [], capDrop = [] } = process;
  const { image, command = [], labels = {}, hostname = "", env = [], extraHosts = [], dns = [], dnsSearch = [], dnsOptions = [], sysctls = {}, capAdd = [] } = container;
  return new Answer([
    { json: "Image", value: taggedImage(image?.name) },
    optional("Labels", textMap(labels)),
    optional("Command", entrypoint),
    optional("Args", command),
    optional("Hostname", hostname),
    optional("Env", env),
    optional("Dir", workdir),
    optional("User", user),
    optional("Groups", groups),
    ...(isOfStack(spec) ? [{ json: "Privileges", value: Answer.of({ CredentialSpec: NO_POINTER, SELinuxContext: NO_POINTER, ...(isOf29 && { NoNewPrivileges: false }) }) }] : [{ json: "Init", value: init }]),
    optional("StopSignal", stopSignal),
    optional("TTY", tty),
    optional("ReadOnly", isReadOnly),
    optional("Mounts", mounts.map(mountAnswer)),
    ...(isFilled || process.stopGrace !== undefined ? [{ json: "StopGracePeriod", value: stopGraceOf(spec) }] : []),
    ...healthFields(process.health),
    optional("Hosts", extraHosts.map(({ name, address }) => `${address} ${name}`)),
    { json: "DNSConfig", value: new Answer([optional("Nameservers", dns), optional("Search", dnsSearch), optional("Options", dnsOptions)]) },
    optional("Secrets", secrets.map((file) => fileOf("Secret", file))),
    optional("Configs", configs.map((file) => fileOf("Config", file))),
    { json: "Isolation", value: "default" },
    optional("Sysctls", textMap(sysctls)),
    optional("CapabilityAdd", capAdd.map(capabilityName)),
    optional("CapabilityDrop", capDrop),
    optional("Ulimits", ulimitAnswers(process)),
  ]);
}

/** `docker stack deploy` sends other fields than `docker service create` (docker/cli cli/compose/convert/service.go). */
export function isOfStack({ labels }: ServiceSpec): boolean {
  return labels["com.docker.stack.namespace"] !== undefined;
}

function amountsOf(spec: ServiceSpec): Answer {
  const { limits, reservations } = spec;
  const sends = (amounts: ResourceSpec | undefined) => amounts !== undefined || !isOfStack(spec);
  return new Answer([
    ...(sends(limits) ? [{ json: "Limits", value: resourcesOf(limits) }] : []),
    ...(sends(reservations) ? [{ json: "Reservations", value: resourcesOf(reservations) }] : []),
  ]);
}

function fileOf(kind: "Secret" | "Config", { id, name, target, uid, gid, mode }: FileReference): Answer {
  return new Answer([
    { json: "File", value: Answer.of({ Name: target, UID: uid, GID: gid, Mode: mode }) },
    { json: `${kind}ID`, value: id },
    { json: `${kind}Name`, value: name },
  ]);
}

function resourcesOf({ nanoCpus = 0, memoryBytes = 0, pids = 0 }: ResourceSpec = {}): Answer {
  return new Answer([optional("NanoCPUs", nanoCpus), optional("MemoryBytes", memoryBytes), optional("Pids", pids)]);
}

function modeOf({ replicas, job }: ServiceSpec): Answer {
  if (job && replicas === undefined) return Answer.of({ GlobalJob: Answer.of({}) });
  if (job) return Answer.of({ ReplicatedJob: Answer.of({ MaxConcurrent: job.maxConcurrent === 0 ? (replicas ?? 0) : job.maxConcurrent, TotalCompletions: replicas ?? 0 }) });
  return replicas === undefined ? Answer.of({ Global: Answer.of({}) }) : Answer.of({ Replicated: Answer.of({ Replicas: replicas }) });
}

function policyAnswer({ parallelism, delay, failureAction, monitor, maxFailureRatio, order }: UpdatePolicy): Answer {
  return new Answer([
    { json: "Parallelism", value: parallelism },
    optional("Delay", delay),
    { json: "FailureAction", value: failureAction },
    { json: "Monitor", value: monitor },
    { json: "MaxFailureRatio", value: maxFailureRatio },
    { json: "Order", value: order },
  ]);
}

function endpointSpecOf({ endpointMode, ports }: ServiceSpec): Answer {
  return new Answer([{ json: "Mode", value: endpointMode }, optional("Ports", ports.map(portOf))]);
}

function portOf({ protocol, target, published, mode }: ServicePort): Answer {
  return new Answer([
    { json: "Protocol", value: protocol },
    { json: "TargetPort", value: target },
    { json: "PublishedPort", value: published, omitEmpty: true },
    { json: "PublishMode", value: mode },
  ]);
}
