import type { ContainerSpec, ImageSpec, PortProtocol, PublishSpec, RestartPolicySpec } from "../../model/spec";
import { settingsOfEnvironment } from "../../model/inspect/environment";
import { policyRefusal, type RestartPolicy } from "../../model/restart-policy";
import { isMac } from "../../net/mac";
import { PORTS_20_10, PORTS_29, PortSyntaxError, readPortMapping, splitProtocol, transportOf } from "../../net/port-mapping";
import type { PortDialect } from "../../net/port-mapping";
import type { Call } from "../command";
import { splitPair, type FlagValues } from "../flags";
import { GoError, parseInteger, parsePortRange } from "../go";
import { Failure } from "../outcome";
import { startFailure } from "../first-process";
import { readNetworks } from "./network-option";

/**
 * What `docker run` and `docker create` send to the daemon, with the client's own refusals in their order
 * (docker/cli cli/command/container/opts.go: parse).
 *
 * @throws Failure without the client's prefix.
 */
export function readContainer({ daemon, flags, args }: Call, image: ImageSpec, name: string): Omit<ContainerSpec, "host"> {
  const mac = flags.text("mac-address").trim();
  if (mac !== "" && !isMac(mac)) throw new Failure(`${flags.text("mac-address")} is not a valid mac address`);
  const isCurrent = daemon.state().generation === "29";
  const dialect = isCurrent ? PORTS_29 : PORTS_20_10;
  const publish = flags.all("publish").flatMap((text) => readPublish(text, dialect));
  const exposed = flags.all("expose").map(readExpose);
  // The files are of a machine that is not simulated.
  const file = [...flags.all("env-file"), ...flags.all("label-file")][0];
  if (file !== undefined) throw new Failure(`open ${file}: no such file or directory`);
  checkModes(flags);
  const restart = readRestart(flags.text("restart"));
  if (flags.on("rm") && restart.restart !== undefined && restart.restart !== "no") throw new Failure("Conflicting options: --restart and --rm");
  const { mode, endpoints, links } = readNetworks(flags, isCurrent);
  const entrypoint = flags.has("entrypoint") ? [flags.text("entrypoint")].filter((word) => word !== "") : [];
  const command = flags.has("entrypoint") ? [...entrypoint, ...args.slice(1)] : args.slice(1);
  const text = <K extends string>(key: K, value: string) => (value === "" ? {} : ({ [key]: value } as Record<K, string>));
  const user = flags.text("user");
  const workdir = flags.text("workdir");
  const env = readEnvironment(flags.all("env"));
  const sysctls = flags.map("sysctl");
  const start = { argv: command.length > 0 ? command : image.command, user, workdir, environment: settingsOfEnvironment({ env, image }), isCurrent };
  const failure = startFailure(image, { sharesIpc: flags.text("ipc") === "host", sysctls, networks: endpoints, ...(mode !== undefined && { networkMode: mode }) }, start);
  return {
    name,
    ...(flags.text("name") === "" && { anonymous: true }),
    image,
    ...(command.length > 0 && { command }),
    ...text("hostname", flags.text("hostname")),
    ...text("domainname", flags.text("domainname")),
    env,
    ...text("user", user),
    ...text("workdir", workdir),
    ...(entrypoint.length > 0 && { entrypointWords: entrypoint.length }),
    ...(failure && { startFailure: failure }),
    labels: flags.map("label"),
    ...restart,
    autoRemove: flags.on("rm"),
    sysctls,
    ...(flags.text("health-cmd") !== "" && !flags.on("no-healthcheck") && { healthcheck: true }),
    capAdd: flags.all("cap-add"),
    ...text("mac", mac),
    publishAll: flags.on("publish-all"),
    dns: flags.all("dns"),
    dnsSearch: flags.all("dns-search"),
    dnsOptions: [...flags.all("dns-opt"), ...flags.all("dns-option")],
    ...(mode !== undefined && { networkMode: mode }),
    networks: endpoints,
    publish,
    expose: exposed.flatMap(({ from, to, known }) => (known ? [{ from, to, protocol: known }] : [])),
    exposeUnknown: exposed.flatMap(({ from, to, known, protocol }) => (known ? [] : Array.from({ length: to - from + 1 }, (_, offset) => `${from + offset}/${protocol}`))),
    links,
    extraHosts: flags.all("add-host").map(readExtraHost),
  };
}

/** The last of a name counts. Differs from Docker 20.10: its client puts the variables in an order of chance. */
function readEnvironment(texts: readonly string[]): string[] {
  return [...new Map(texts.map((text) => [splitPair(text)[0], text])).values()];
}

function readExtraHost(text: string): { name: string; address: string } {
  const at = text.indexOf(":");
  return { name: text.slice(0, at), address: text.slice(at + 1) };
}

/** `-p`: the short form, or `published=8080,target=80,protocol=tcp`. */
export function readPublish(text: string, dialect: PortDialect): PublishSpec[] {
  try {
    return readPortMapping(text.includes("=") ? shortForm(text) : text, dialect);
  } catch (error) {
    if (error instanceof PortSyntaxError) throw new Failure(error.message);
    throw error;
  }
}

function shortForm(text: string): string {
  const fields = new Map([["protocol", "tcp"]]);
  for (const field of text.split(",")) {
    if (!field.includes("=")) throw new Failure(`invalid publish opts format (should be name=value but got '${field}')`);
    const [key = "", value = ""] = field.split("=");
    fields.set(key, value);
  }
  return `${fields.get("published") ?? ""}:${fields.get("target") ?? ""}/${fields.get("protocol")}`;
}

/** `known`: the protocol, if Docker knows it. */
function readExpose(text: string): { from: number; to: number; protocol: string; known: PortProtocol | undefined } {
  if (text.includes(":")) throw new Failure(`invalid port format for --expose: ${text}`);
  const [ports, protocol] = splitProtocol(text);
  try {
    const [from, to] = parsePortRange(ports);
    return { from, to, protocol, known: transportOf(protocol) };
  } catch (error) {
    if (error instanceof GoError) throw new Failure(`invalid range format for --expose: ${text}, error: ${error.message}`);
    throw error;
  }
}

function checkModes(flags: FlagValues): void {
  const isShared = (text: string) => text === "" || text === "host";
  const pid = flags.text("pid");
  if (!isShared(pid) && !/^container:./.test(pid)) throw new Failure("--pid: invalid PID mode");
  if (!isShared(flags.text("uts"))) throw new Failure("--uts: invalid UTS mode");
  if (flags.text("uts") === "host" && flags.text("hostname") !== "") {
    throw new Failure("Error response from daemon: conflicting options: hostname and the UTS mode");
  }
  if (!isShared(flags.text("userns"))) throw new Failure("--userns: invalid USER mode");
}

/** `--restart`. The daemon refuses a policy that it does not know; so does this, in its words. */
export function readRestart(text: string): Partial<RestartPolicy> {
  if (text === "") return {};
  const [name = "", count, ...rest] = text.split(":");
  if (rest.length > 0) throw new Failure("invalid restart policy format");
  if (count !== undefined) {
    try {
      parseInteger(count);
    } catch {
      throw new Failure("maximum retry count must be an integer");
    }
  }
  const restartRetries = Number(count ?? 0);
  const refusal = policyRefusal(name, restartRetries);
  if (refusal !== undefined) throw new Failure(`Error response from daemon: ${refusal}`);
  return { restart: name as RestartPolicySpec, ...(restartRetries > 0 && { restartRetries }) };
}
