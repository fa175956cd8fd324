import { parseExpose, parsePublish } from "../../src/api/ports";
import type { Daemon } from "../../src/model/daemon";
import { checkLikeCommandLine } from "../../src/model/ipam-config";
import type { ContainerSpec, EndpointSpec, IpamSpec, NetworkModeSpec, NetworkSpec } from "../../src/model/spec";

/** Flags that say something which no packet notices, with their values. */
const WITHOUT_EFFECT = new Set(["--label", "--domainname", "-e", "--restart", "--dns", "--dns-search", "--dns-option", "--cap-add", "--sysctl"]);
const SWITCHES = new Set(["-d", "--rm", "--internal", "-f", "-P", "--ipv6", "--config-only", "--ingress"]);
/** Commands that only look. */
const READS = new Set(["exec", "port", "ps", "inspect", "logs", "network ls", "network inspect", "pause", "unpause"]);

/** What a command line came to: done, not a matter of the daemon's model, or refused. */
export type Outcome = "done" | "ignored" | { readonly refused: unknown };

/** Runs docker commands against a daemon of the model, as the docker client would. */
export class DockerCommands {
  readonly #daemon: Daemon;
  /** Created, and not removed. */
  readonly #containers = new Set<string>();
  readonly #networks = new Set<string>();

  constructor(daemon: Daemon) {
    this.#daemon = daemon;
  }

  run(argv: readonly string[]): Outcome {
    const [, first = "", second = ""] = argv;
    const verb = first === "network" ? `network ${second}` : first;
    // An ID stands for its network.
    const named = argv.map((text) => text.replace(/^<net:h1\/([^>]*)>$/, "$1"));
    const { flags, words } = readFlags(named.slice(verb.includes(" ") ? 3 : 2));
    try {
      return READS.has(verb) || !this.#apply(verb, flags, words) ? "ignored" : "done";
    } catch (error) {
      return { refused: error };
    }
  }

  #apply(verb: string, flags: Flags, words: readonly string[]): boolean {
    const daemon = this.#daemon;
    const [word = ""] = words;
    switch (verb) {
      case "network create":
        if (!isNetworkKnown(flags) || words.length !== 1) return false;
        checkLikeCommandLine(networkSpec(word, flags));
        daemon.createNetwork(networkSpec(word, flags));
        this.#networks.add(word);
        return true;
      case "network rm":
        // The client goes on with the next name and reports all that went wrong.
        if (words.length > 1) return words.filter((name) => typeof this.run(["docker", "network", "rm", name]) === "object").length === 0;
        daemon.removeNetwork(word);
        this.#networks.delete(word);
        return true;
      case "network prune":
        for (const name of this.#networks) removeIfUnused(daemon, name);
        return true;
      case "network connect":
        daemon.connect(words[1] ?? "", endpointSpec(word, flags, false));
        return true;
      case "network disconnect":
        daemon.disconnect(words[1] ?? "", word);
        return true;
      case "create":
      case "run": {
        const spec = containerSpec(flags, word);
        if (!spec) return false;
        daemon.createContainer(spec);
        this.#containers.add(spec.name);
        if (verb === "run") daemon.startContainer(spec.name);
        return true;
      }
      case "start":
        for (const name of words) daemon.startContainer(name);
        return true;
      case "stop":
        for (const name of words) daemon.stopContainer(name);
        return true;
      case "restart":
        for (const name of words) daemon.stopContainer(name);
        for (const name of words) daemon.startContainer(name);
        return true;
      case "rm":
        if (!flags.has("-f")) return false;
        for (const name of words) daemon.removeContainer(name, { force: true });
        return true;
      default:
        return false;
    }
  }
}

type Flags = ReadonlyMap<string, readonly string[]>;

function readFlags(argv: readonly string[]): { flags: Flags; words: string[] } {
  const flags = new Map<string, string[]>();
  const words: string[] = [];
  for (let at = 0; at < argv.length; at++) {
    const text = argv[at] ?? "";
    // Everything after the first word of `run` is the command inside.
    if (!text.startsWith("-") || words.length > 1) words.push(text);
    else if (text === "--") words.push(...argv.slice(at + 1).splice(0, argv.length));
    else if (SWITCHES.has(text)) flags.set(text, []);
    else flags.set(text, [...(flags.get(text) ?? []), argv[++at] ?? ""]);
    if (text === "--") break;
  }
  return { flags, words };
}

const NETWORK_FLAGS = new Set(["--subnet", "--gateway", "--ip-range", "--aux-address", "-o", "-d", "--driver", "--internal", "--label", "--attachable"]);

function isNetworkKnown(flags: Flags): boolean {
  if ((flags.get("--gateway") ?? []).length > 1) return false;
  if ((flags.get("--aux-address") ?? []).some((text) => !text.includes("="))) return false;
  return [...flags.keys()].every((flag) => NETWORK_FLAGS.has(flag)) && !(flags.get("--subnet") ?? []).some((subnet) => subnet.includes(":"));
}

function networkSpec(name: string, flags: Flags): NetworkSpec {
  const one = (flag: string) => flags.get(flag)?.[0];
  const subnets = flags.get("--subnet") ?? [];
  const isConfigured = ["--subnet", "--gateway", "--ip-range"].some((flag) => flags.has(flag));
  const settings = { subnet: subnets[0], gateway: one("--gateway"), ipRange: one("--ip-range") };
  const first: IpamSpec = { ...defined(settings), auxAddresses: pairs(flags.get("--aux-address") ?? []) };
  return {
    name,
    driver: one("-d") ?? one("--driver") ?? "bridge",
    ipam: isConfigured ? [first, ...subnets.slice(1).map((subnet) => ({ subnet, auxAddresses: {} }))] : [],
    internal: flags.has("--internal"),
    options: pairs(flags.get("-o") ?? []),
  };
}

/** `undefined` for settings that the model has no place for. */
function containerSpec(flags: Flags, image: string): ContainerSpec | undefined {
  const one = (flag: string) => flags.get(flag)?.[0];
  const known = ["--name", "--network", "--ip", "--network-alias", "--mac-address", "--hostname", "-p", "-P", "-d", "--link", "--add-host", "--expose"];
  if ([...flags.keys()].some((flag) => !known.includes(flag) && !WITHOUT_EFFECT.has(flag))) return undefined;
  const [network = "default", another] = flags.get("--network") ?? [];
  if (another !== undefined) return undefined;
  const expose = (flags.get("--expose") ?? []).map((port) => parseExpose(port, "--expose"));
  // EXPOSE of the image.
  const exposed = image === "web" ? [...expose, { from: 80, to: 80, protocol: "tcp" as const }] : expose;
  const all = exposed.flatMap(({ from, to, protocol }) => Array.from({ length: to - from + 1 }, (_, at) => ({ containerPort: from + at, protocol })));
  const isMode = network === "host" || network === "none" || network.startsWith("container:");
  // The client itself refuses these for modes; `--dns` has no place in the description.
  if (isMode && ["--ip", "--network-alias", "--mac-address", "--dns"].some((flag) => flags.has(flag))) return undefined;
  return {
    name: one("--name") ?? "",
    host: "h1",
    ...defined({ hostname: one("--hostname") }),
    ...(isMode && { networkMode: network as NetworkModeSpec }),
    networks: isMode ? [] : [endpointSpec(network === "default" ? "bridge" : network, flags, true)],
    publish: [...(flags.get("-p") ?? []).flatMap((port) => parsePublish(port, "-p")), ...(flags.has("-P") ? all : [])],
    expose,
    links: (flags.get("--link") ?? []).map((link) => ({ container: link.split(":")[0] ?? "", alias: link.split(":").at(-1) ?? "" })),
    extraHosts: (flags.get("--add-host") ?? []).map((line) => ({ name: line.split(":")[0] ?? "", address: line.split(":")[1] ?? "" })),
  };
}

/** `docker run` ignores `--ip` and `--network-alias` on the default bridge without a word. */
function endpointSpec(network: string, flags: Flags, isRun: boolean): EndpointSpec {
  const isIgnored = isRun && network === "bridge";
  return {
    network,
    ...defined({ ipv4: isIgnored ? undefined : flags.get("--ip")?.[0], mac: flags.get("--mac-address")?.[0] }),
    aliases: isIgnored ? [] : (flags.get(isRun ? "--network-alias" : "--alias") ?? []),
    gwPriority: 0,
  };
}

function removeIfUnused(daemon: Daemon, name: string): void {
  try {
    daemon.removeNetwork(name);
  } catch {
    // In use: `prune` leaves it alone.
  }
}

function pairs(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(texts.map((text) => [text.split("=")[0] ?? "", text.slice(text.indexOf("=") + 1)]));
}

function defined<T extends Record<string, string | undefined>>(values: T): { [K in keyof T]?: string } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as { [K in keyof T]?: string };
}
