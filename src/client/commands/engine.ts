import { Answer, NO_POINTER, NO_SLICE, type AnswerValue } from "../../model/inspect/answer";
import { CREATED } from "../../model/inspect/network";
import type { ClusterFacts } from "../../model/swarm/operations";
import { formatCidr } from "../../net/cidr";
import { NONE, type Call, type Command } from "../command";
import { Failure } from "../outcome";
import { loadRoots, rootOf, tlsInfo } from "../swarm/tls-info";
import { executeTemplate } from "../template/execute";
import { parseTemplate } from "../template/parser";
import { TemplateError, type TemplateNode } from "../template/syntax";

/** The last 20.10, as Debian packs it, and the current one; the client comes with its engine. */
const ENGINES = { "20.10": { version: "20.10.24+dfsg1", api: "1.41", least: "1.12" }, "29": { version: "29.7.2", api: "1.52", least: "1.44" } } as const;

/** `20.10.24+dfsg1`. */
export function engineVersion(generation: keyof typeof ENGINES): string {
  return ENGINES[generation].version;
}

/** What `docker --version` prints. */
export function clientVersion(generation: keyof typeof ENGINES): string {
  return `Docker version ${engineVersion(generation)}, build ${BUILDS[generation]}`;
}

/** The commits that the clients were built of. */
const BUILDS = { "20.10": "297e128", "29": "a7dcaa6" } as const;

const FORMAT = { name: "format", short: "f", kind: "text" } as const;

const VERSION: Command = {
  path: "version",
  usage: "[OPTIONS]",
  short: "Show the Docker version information",
  count: NONE,
  flags: [FORMAT],
  run({ daemon, flags, output }) {
    const template = flags.text("format") === "" ? undefined : readTemplate(flags.text("format"), "version");
    const { version, api, least } = ENGINES[daemon.state().generation];
    const client = { Version: version, ApiVersion: api, Os: "linux", Arch: "amd64", Context: "default" };
    const server = { Version: version, ApiVersion: api, MinAPIVersion: least, Os: "linux", Arch: "amd64", Experimental: false };
    if (template) {
      print(template, Answer.of({ Client: Answer.of(client), Server: Answer.of(server) }), output, "version");
      return;
    }
    const line = (name: string, value: string) => `  ${`${name}:`.padEnd(18)}${value}`;
    output.line(["Client:", ` ${line("Version", version).trim()}`, "", "Server:", " Engine:", line("Version", version), line("API version", `${api} (minimum version ${least})`)].join("\n"));
  },
};

const INFO: Command = {
  path: "info",
  usage: "[OPTIONS]",
  short: "Display system-wide information",
  count: NONE,
  flags: [FORMAT],
  async run({ daemon, flags, output }) {
    const template = flags.text("format") === "" ? undefined : readTemplate(flags.text("format"), "");
    const facts = factsOf(daemon, daemon.swarm.info()?.cluster && tlsInfo(rootOf(daemon, await loadRoots())));
    if (template) {
      print(template, Answer.of(facts), output, "");
      return;
    }
    const counted = (["Containers", "ContainersRunning", "ContainersPaused", "ContainersStopped", "ServerVersion", "Name"] as const).map((key) => ` ${key}: ${String(facts[key])}`);
    output.line(["Server:", ...counted].join("\n"));
  },
};

/** What `docker info` knows of an engine; `tls`: of the swarm that it manages. */
function factsOf(daemon: Call["daemon"], tls: Answer | undefined): Record<string, AnswerValue> {
  const { containers, generation, hosts } = daemon.state();
  const count = (status: string) => containers.filter((container) => container.status === status).length;
  return {
    Containers: containers.length,
    ContainersRunning: count("running"),
    ContainersPaused: count("paused"),
    ContainersStopped: count("created") + count("exited"),
    Driver: "overlay2",
    Plugins: new Answer([
      { json: "Volume", value: ["local"] },
      { json: "Network", value: ["bridge", "host", "ipvlan", "macvlan", "null", "overlay"] },
      { json: "Authorization", value: NO_SLICE },
    ]),
    DefaultAddressPools: NO_SLICE,
    BridgeNfIptables: true,
    IPv4Forwarding: true,
    NCPU: hosts[0]?.cpus ?? 1,
    Name: hosts[0]?.world.hostname ?? "",
    ServerVersion: ENGINES[generation].version,
    LiveRestoreEnabled: false,
    Swarm: swarmOf(daemon, tls),
  };
}

function swarmOf(daemon: Call["daemon"], tls: Answer | undefined): Answer {
  const { swarm } = daemon;
  const own = daemon.state().hosts[0]?.swarm;
  const isMember = swarm.localState === "active";
  const { managers = [], cluster } = (isMember ? swarm.info() : undefined) ?? {};
  const remotes = managers.map(({ id, address, port }) => Answer.of({ NodeID: id, Addr: `${address}:${port}` }));
  return new Answer([
    ...Object.entries({
      NodeID: swarm.ownId, NodeAddr: isMember ? (own?.address ?? "") : "", LocalNodeState: swarm.localState, ControlAvailable: own?.role === "manager" && isMember, Error: "",
      RemoteManagers: remotes.length === 0 ? NO_SLICE : remotes,
    }).map(([json, value]) => ({ json, value })),
    { json: "Nodes", value: cluster?.nodes ?? 0, omitEmpty: true },
    { json: "Managers", value: cluster ? managers.length : 0, omitEmpty: true },
    { json: "Cluster", value: cluster && tls ? clusterOf(cluster, tls) : NO_POINTER, omitEmpty: true },
  ]);
}

function clusterOf({ id, pools, maskLength, dataPathPort, taskHistoryLimit, heartbeat, isAutolocked }: ClusterFacts, tls: Answer): Answer {
  const spec = Answer.of({
    Name: "default",
    Labels: new Map(),
    Orchestration: Answer.of({ TaskHistoryRetentionLimit: taskHistoryLimit }),
    Raft: Answer.of({ SnapshotInterval: 10000, KeepOldSnapshots: 0, LogEntriesForSlowFollowers: 500, ElectionTick: 10, HeartbeatTick: 1 }),
    Dispatcher: Answer.of({ HeartbeatPeriod: heartbeat }),
    CAConfig: Answer.of({ NodeCertExpiry: NODE_CERT_EXPIRY }),
    TaskDefaults: Answer.of({}),
    EncryptionConfig: Answer.of({ AutoLockManagers: isAutolocked }),
  });
  return Answer.of({
    ID: id, Version: Answer.of({ Index: 0 }), CreatedAt: CREATED, UpdatedAt: CREATED, Spec: spec, TLSInfo: tls, RootRotationInProgress: false, DefaultAddrPool: pools.map(formatCidr),
    SubnetSize: maskLength, DataPathPort: dataPathPort,
  });
}

/** swarmkit ca: DefaultNodeCertExpiration: 90 days, in nanoseconds. */
const NODE_CERT_EXPIRY = 7776e12;

function readTemplate(format: string, name: string): readonly TemplateNode[] {
  return inTemplate(name, () => parseTemplate(format));
}

function print(template: readonly TemplateNode[], answer: Answer, output: Call["output"], name: string): void {
  output.line(inTemplate(name, () => executeTemplate(template, answer, { missingKey: "nothing" })));
}

/** Says of a template's fault which template it is. */
function inTemplate<T>(name: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new Failure(`template parsing error: ${error.message.replace("template: :", `template: ${name}:`)}`, 64);
  }
}

export const ENGINE_COMMANDS: readonly Command[] = [VERSION, INFO];
