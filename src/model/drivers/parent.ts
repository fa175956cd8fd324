import type { Host } from "../host";
import type { GenerationRules } from "../generation";
import { refuse } from "../refusal";
import type { NetworkSpec } from "../spec";
import type { ParentState } from "../state";
import { readMtu } from "./bridge";

/** macvlan and ipvlan: what a network's options say, and the interface under it. */
export interface ParentOptions {
  readonly mode: string;
  readonly flag: string;
  readonly mtu: number;
  readonly parent: ParentState;
  /** Networks without a parent are internal. */
  readonly internal: boolean;
}

/** What other networks of the same driver use. */
export interface ParentUse {
  readonly id: string;
  readonly name: string;
  readonly parent: ParentState;
  readonly mode: string;
}

interface ParentContext {
  readonly host: Host;
  readonly rules: GenerationRules;
}

interface ParentDriver {
  readonly name: "macvlan" | "ipvlan";
  readonly modes: readonly string[];
  readonly modeOption: string;
  /** Of names of dummy interfaces. */
  readonly prefix: string;
}

/** libnetwork drivers/macvlan and drivers/ipvlan. */
const DRIVERS: Readonly<Record<"macvlan" | "ipvlan", ParentDriver>> = {
  macvlan: { name: "macvlan", modes: ["bridge", "private", "passthru", "vepa"], modeOption: "macvlan_mode", prefix: "dm-" },
  ipvlan: { name: "ipvlan", modes: ["l2", "l3", "l3s"], modeOption: "ipvlan_mode", prefix: "di-" },
};
const IPVLAN_FLAGS = ["bridge", "private", "vepa"];

/**
 * Reads the options of a macvlan or ipvlan network, checks its parent against the host and the other networks, and makes the
 * sub-interface or dummy interface that it needs.
 *
 * @throws SimulationError in the driver's words; nothing was made then.
 */
export function openParent(
  driverName: "macvlan" | "ipvlan", id: string, spec: NetworkSpec, others: readonly ParentUse[], { host, rules }: ParentContext,
): ParentOptions {
  const driver = DRIVERS[driverName];
  const fail = (daemon: string, status: 400 | 403 | 500 = 500): never => refuse(status, `network ${spec.name}`, daemon, spec.position);
  const mtu = readMtu(spec, (daemon) => fail(daemon, 400));
  const { parent: asked = "" } = spec.options;
  const [defaultMode = ""] = driver.modes;
  const mode = spec.options[driver.modeOption] || defaultMode;
  const flag = driverName === "ipvlan" ? rules.parents.ipvlanFlags ? spec.options.ipvlan_flag || "bridge" : "" : "";
  if (asked === "lo") fail(`loopback interface is not a valid ${driverName} parent link`);
  // l3s came with the flags.
  const isKnown = driver.modes.includes(mode) && (mode !== "l3s" || rules.parents.ipvlanFlags);
  if (!isKnown) fail(`requested ${driverName} mode '${mode}' is not valid, '${defaultMode}' mode is the ${driverName} driver default`, 400);
  if (flag !== "" && !IPVLAN_FLAGS.includes(flag)) fail(`requested ipvlan flag '${flag}' is not valid, 'bridge' is the ipvlan driver default`, 400);
  const dummy = `${driver.prefix}${id.slice(0, 12)}`;
  if (asked === "") {
    host.addDevice(dummy, { kind: "dummy", addresses: [] });
    return { mode, flag, mtu, parent: { device: dummy, kind: "dummy", created: true }, internal: true };
  }
  const conflict = others.map((other) => rules.parents.conflict(driverName, driver.prefix, { mode, device: asked }, other)).find((text) => text !== undefined);
  if (conflict !== undefined) fail(conflict);
  return { mode, flag, mtu, parent: findParent(asked, { host, rules }, fail), internal: spec.internal };
}

/** Removes what was made for the network, if no other one of the driver sits on it. */
export function closeParent({ parent }: ParentOptions, others: readonly ParentUse[], host: Host): void {
  if (!parent.created || others.some((other) => other.parent.device === parent.device)) return;
  host.removeDevice(parent.device);
}

function findParent(name: string, { host, rules }: ParentContext, fail: (daemon: string) => never): ParentState {
  if (host.hasDevice(name)) {
    const device = host.device(name);
    if (device?.vlan) return { device: name, kind: "vlan", vlan: device.vlan, created: false };
    return { device: name, kind: device?.kind === "dummy" ? "dummy" : "device", created: false };
  }
  const parts = name.split(".");
  if (parts.length > 2) return fail(`required interface name format is: name.vlan_id, ex. eth0.10 for vlan 10, instead received ${name}`);
  if (parts.length < 2) return fail(`invalid subinterface vlan name ${name}, example formatting is eth0.10`);
  const [link = "", text = ""] = parts;
  if (!/^[+-]?\d+$/.test(text)) return fail(`unable to parse a valid vlan id from: ${text} (ex. eth0.10 for vlan 10)`);
  const vlan = Number(text);
  if (vlan < 1 || vlan > 4094) return fail(`vlan id must be between 1-4094, received: ${vlan}`);
  if (!host.hasDevice(link)) return fail(rules.messages.noParent(link));
  host.addDevice(name, { kind: "vlan", addresses: [], vlan: { id: vlan, link } });
  return { device: name, kind: "vlan", vlan: { id: vlan, link }, created: true };
}
