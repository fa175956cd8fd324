import { formatIpv4, formatIpv6 } from "../../net/ip";
import { Identity } from "../identity";
import type { ContainerSpec, EndpointSpec, ExposeSpec, ImageSpec, PublishSpec } from "../spec";
import type { AttachmentState, ContainerState, DockerState, EndpointState } from "../state";
import { Answer, NO_MAP, NO_POINTER, NO_SLICE, PortMap, textMap, type AnswerField, type AnswerMap, type AnswerValue } from "./answer";
import { settingsOfEnvironment } from "./environment";
import { FIELDS_OF_HOST_CONFIG } from "./host-config";
import { CREATED, macText } from "./network";

/** What `docker inspect` shows of a container. */
export function inspectContainer(state: DockerState, container: ContainerState): Answer {
  const [path = "", ...args] = commandOf(container.spec);
  return new Answer([
    { json: "Id", go: "ID", value: container.id },
    { json: "Created", value: CREATED },
    { json: "Path", value: path },
    { json: "Args", value: args },
    { json: "State", value: stateOf(container) },
    { json: "Image", value: imageId(container.spec.image) },
    { json: "ResolvConfPath", value: pathOf(container, "resolv.conf") },
    { json: "HostnamePath", value: pathOf(container, "hostname") },
    { json: "HostsPath", value: pathOf(container, "hosts") },
    { json: "LogPath", value: pathOf(container, `${container.id}-json.log`) },
    { json: "Name", value: `/${container.name}` },
    { json: "RestartCount", value: container.restartCount },
    { json: "Driver", value: "overlay2" },
    { json: "Platform", value: "linux" },
    { json: "MountLabel", value: "" },
    { json: "ProcessLabel", value: "" },
    { json: "AppArmorProfile", value: "" },
    { json: "ExecIDs", value: NO_SLICE },
    { json: "HostConfig", value: hostConfigOf(state, container) },
    { json: "GraphDriver", value: Answer.of({ Data: NO_MAP, Name: "overlay2" }) },
    { json: "Mounts", value: [] },
    { json: "Config", value: configOf(state, container) },
    { json: "NetworkSettings", value: settingsOf(state, container) },
  ]);
}

/** Differs from Docker: an image has no content to take a digest of, so it is one of its name. */
function imageId(image: ImageSpec | undefined): string {
  return image ? `sha256:${new Identity(0).id("image", image.name)}` : "";
}

/** A file of the container's on its host; empty while the container has had no sandbox. */
function pathOf({ id, hostsFile }: ContainerState, file: string): string {
  return hostsFile === undefined ? "" : `/var/lib/docker/containers/${id}/${file}`;
}

/** What the container runs. */
export function commandOf({ command, image }: ContainerSpec): readonly string[] {
  return command && command.length > 0 ? command : (image?.command ?? []);
}

function stateOf({ status, running, exitCode, error }: ContainerState): Answer {
  const { fields } = Answer.of({
    Status: status,
    Running: running || status === "restarting",
    Paused: status === "paused",
    Restarting: status === "restarting",
    OOMKilled: false,
    Dead: false,
    // Differs from Docker: processes have no numbers.
    Pid: running ? 1 : 0,
    ExitCode: exitCode,
    Error: error,
    StartedAt: status === "created" ? "0001-01-01T00:00:00Z" : CREATED,
    FinishedAt: status === "exited" || status === "restarting" ? CREATED : "0001-01-01T00:00:00Z",
  });
  return new Answer([...fields, { json: "Health", value: NO_POINTER, omitEmpty: true }]);
}

function hostConfigOf({ generation }: DockerState, { networkMode, name, linked, spec }: ContainerState): Answer {
  const own: Record<string, AnswerValue> = {
    NetworkMode: networkMode,
    PortBindings: bindingsOf(spec.publish),
    RestartPolicy: Answer.of({ Name: spec.restart ?? "no", MaximumRetryCount: spec.restartRetries ?? 0 }),
    AutoRemove: spec.autoRemove ?? false,
    CapAdd: listOrNil(spec.capAdd ?? []),
    Dns: generation === "29" ? listOrNil(spec.dns ?? []) : (spec.dns ?? []),
    DnsOptions: spec.dnsOptions ?? [],
    DnsSearch: spec.dnsSearch ?? [],
    ExtraHosts: listOrNil(spec.extraHosts.map(({ name, address }) => `${name}:${address}`)),
    // As `/child:/parent/alias`.
    Links: listOrNil(linked.map((link) => `/${link.name}:/${name}/${link.alias}`)),
    PublishAllPorts: spec.publishAll ?? false,
    Sysctls: spec.sysctls ? textMap(spec.sysctls) : NO_MAP,
  };
  return new Answer(FIELDS_OF_HOST_CONFIG.map((field) => ({ ...field, value: own[field.json] ?? field.value })));
}

function configOf({ generation }: DockerState, { hostname, domainname, exposed, networkDisabled, spec }: ContainerState): Answer {
  const words = spec.entrypointWords ?? 0;
  const open = [...exposed.map(portKey), ...(spec.exposeUnknown ?? [])];
  const fields: AnswerField[] = [
    { json: "Hostname", value: hostname },
    { json: "Domainname", value: domainname },
    { json: "User", value: spec.user ?? "" },
    { json: "AttachStdin", value: false },
    { json: "AttachStdout", value: false },
    { json: "AttachStderr", value: false },
    { json: "ExposedPorts", value: open.length === 0 ? NO_MAP : new PortMap(open.map((port) => [port, Answer.of({})])), omitEmpty: true },
    { json: "Tty", value: false },
    { json: "OpenStdin", value: false },
    { json: "StdinOnce", value: false },
    { json: "Env", value: settingsOfEnvironment(spec) },
    { json: "Cmd", value: listOrNil(commandOf(spec).slice(words)) },
    { json: "Image", value: spec.image?.name ?? "" },
    { json: "Volumes", value: NO_MAP },
    { json: "WorkingDir", value: spec.workdir ?? "" },
    { json: "Entrypoint", value: listOrNil(commandOf(spec).slice(0, words)) },
    { json: "NetworkDisabled", value: networkDisabled, omitEmpty: true },
    // Since API 1.44 it is the endpoint's.
    { json: "MacAddress", value: generation === "29" ? "" : (spec.mac ?? ""), omitEmpty: true },
    { json: "OnBuild", value: NO_SLICE, omitEmpty: generation === "29" },
    { json: "Labels", value: textMap(labelsOf(spec, spec.image)) },
  ];
  return new Answer(fields);
}

/** The labels of `--label` over those of the image. */
export function labelsOf({ labels }: ContainerSpec, image: ImageSpec | undefined): Readonly<Record<string, string>> {
  return { ...image?.labels, ...labels };
}

function settingsOf(state: DockerState, container: ContainerState): Answer {
  const networks = new Map(container.attachments.map((attachment) => [attachment.network, attachmentOf(state, attachment)]));
  const sandbox: AnswerField[] = [
    { json: "SandboxID", value: container.network.mode === "container" ? "" : container.sandboxId },
    { json: "SandboxKey", value: container.sandboxId === "" || container.network.mode === "container" ? "" : `/var/run/docker/netns/${container.sandboxId.slice(0, 12)}` },
  ];
  const ports: AnswerField = { json: "Ports", value: portsOf(container) };
  if (state.generation === "29") return new Answer([...sandbox, ports, { json: "Networks", value: networks }]);
  const onDefault = container.attachments.find(({ network }) => network === "bridge")?.endpoint;
  return new Answer([
    { json: "Bridge", value: "" },
    ...sandbox.slice(0, 1),
    { json: "HairpinMode", value: false },
    { json: "LinkLocalIPv6Address", value: "" },
    { json: "LinkLocalIPv6PrefixLen", value: 0 },
    ports,
    ...sandbox.slice(1),
    { json: "SecondaryIPAddresses", value: NO_SLICE },
    { json: "SecondaryIPv6Addresses", value: NO_SLICE },
    { json: "EndpointID", value: onDefault?.id ?? "" },
    ...addressFields(onDefault, ["Gateway", "GlobalIPv6Address", "GlobalIPv6PrefixLen", "IPAddress", "IPPrefixLen", "IPv6Gateway", "MacAddress"]),
    { json: "Networks", value: networks },
  ]);
}

type AddressField = "Gateway" | "GlobalIPv6Address" | "GlobalIPv6PrefixLen" | "IPAddress" | "IPPrefixLen" | "IPv6Gateway" | "MacAddress";

function addressFields(endpoint: EndpointState | undefined, names: readonly AddressField[]): AnswerField[] {
  const values: Record<AddressField, AnswerValue> = {
    Gateway: endpoint?.gateway === undefined ? "" : formatIpv4(endpoint.gateway),
    GlobalIPv6Address: endpoint?.ipv6 === undefined ? "" : formatIpv6(endpoint.ipv6),
    GlobalIPv6PrefixLen: endpoint?.ipv6 === undefined ? 0 : endpoint.prefixLength6,
    IPAddress: endpoint === undefined || endpoint.ip === 0 ? "" : formatIpv4(endpoint.ip),
    IPPrefixLen: endpoint === undefined || endpoint.ip === 0 ? 0 : endpoint.prefixLength,
    IPv6Gateway: endpoint?.gateway6 === undefined ? "" : formatIpv6(endpoint.gateway6),
    MacAddress: endpoint ? macText(endpoint) : "",
  };
  return names.map((json) => ({ json, value: values[json] }));
}

/** One network in `NetworkSettings.Networks`. */
function attachmentOf({ generation }: DockerState, { spec, aliases, networkId, endpointId, endpoint, dnsNames, viaConnect, isManaged = false }: AttachmentState): Answer {
  const links = (spec.links ?? []).map(({ container, alias }) => `${container}:${alias}`);
  const head: AnswerField[] = [
    { json: "IPAMConfig", value: wantedAddresses(spec, viaConnect || isManaged) },
    { json: "Links", value: listOrNil(links) },
    { json: "Aliases", value: aliases.length === 0 && !viaConnect ? NO_SLICE : aliases },
  ];
  const driverOptions: AnswerField = { json: "DriverOpts", value: spec.driverOptions ? textMap(spec.driverOptions) : NO_MAP };
  const identity: AnswerField[] = [
    { json: "NetworkID", value: networkId },
    { json: "EndpointID", value: endpointId },
  ];
  if (generation === "29") {
    return new Answer([
      ...head,
      driverOptions,
      { json: "GwPriority", value: spec.gwPriority },
      ...identity,
      ...addressFields(endpoint, ["Gateway", "IPAddress", "MacAddress", "IPPrefixLen", "IPv6Gateway", "GlobalIPv6Address", "GlobalIPv6PrefixLen"]),
      { json: "DNSNames", value: listOrNil(dnsNames) },
    ]);
  }
  return new Answer([
    ...head,
    ...identity,
    ...addressFields(endpoint, ["Gateway", "IPAddress", "IPPrefixLen", "IPv6Gateway", "GlobalIPv6Address", "GlobalIPv6PrefixLen", "MacAddress"]),
    driverOptions,
  ]);
}

/** `docker network connect` sends the addresses even if there are none, `docker run` does not. */
function wantedAddresses({ ipv4, ipv6, linkLocalIps }: EndpointSpec, sendsAll: boolean): AnswerValue {
  if (ipv4 === undefined && ipv6 === undefined && (linkLocalIps ?? []).length === 0 && !sendsAll) return NO_POINTER;
  return new Answer([
    { json: "IPv4Address", value: ipv4 ?? "", omitEmpty: true },
    { json: "IPv6Address", value: ipv6 ?? "", omitEmpty: true },
    { json: "LinkLocalIPs", value: listOrNil(linkLocalIps ?? []), omitEmpty: true },
  ]);
}

/** What is published, and the exposed ports that are not; nothing where no port can be published: on internal networks, macvlan, none and host. */
function portsOf({ ports, exposed, showsExposed, spec }: ContainerState): AnswerMap {
  const shown = new PortMap();
  // To libnetwork all protocols that it does not know are number 0.
  for (const port of showsExposed ? (spec.exposeUnknown ?? []) : []) shown.set(port.replace(/\/.*/, "/0"), NO_SLICE);
  for (const port of showsExposed ? exposed : []) shown.set(portKey(port), NO_SLICE);
  for (const port of ports) {
    const key = portKey({ port: port.containerPort, protocol: port.protocol });
    const before = shown.get(key);
    shown.set(key, [...(Array.isArray(before) ? (before as AnswerValue[]) : []), Answer.of({ HostIp: port.hostIp, HostPort: String(port.hostPort || "") })]);
  }
  return shown;
}

/** `80/tcp`. */
export function portKey({ port, protocol }: { readonly port: number; readonly protocol: string }): string {
  return `${port}/${protocol}`;
}

/** `HostConfig.PortBindings`, as it was asked for. */
function bindingsOf(publish: readonly PublishSpec[]): AnswerMap {
  const bindings = new PortMap();
  for (const { containerPort, protocol, hostPort, asksForAny, hostIp } of publish) {
    const key = portKey({ port: containerPort, protocol });
    bindings.set(key, [...((bindings.get(key) as readonly Answer[] | undefined) ?? []), Answer.of({ HostIp: hostIp ?? "", HostPort: asksForAny ? "0" : rangeText(hostPort) })]);
  }
  return bindings;
}

function rangeText(range: Omit<ExposeSpec, "protocol"> | undefined): string {
  if (!range) return "";
  return range.from === range.to ? String(range.from) : `${range.from}-${range.to}`;
}

function listOrNil(list: readonly string[]): AnswerValue {
  return list.length === 0 ? NO_SLICE : list;
}
