import { isIp, isIpv4, isIpv6 } from "../../net/ip";
import { isBoolean, isTrue } from "../flags";
import type { DockerGeneration, NetworkSpec } from "../spec";
import type { GatewayMode } from "../state";
import { refuse } from "../refusal";

/** What a bridge network's options say; the rest of them is stored and ignored, as Docker does. */
export interface BridgeOptions {
  /** Device name, if one was asked for. */
  readonly device: string | undefined;
  /** 0: what the kernel takes, 1500. */
  readonly mtu: number;
  readonly icc: boolean;
  readonly masquerade: boolean;
  /** Address that published ports are bound to when none is said. */
  readonly hostBinding: string;
  /** Start of the names of interfaces inside containers. */
  readonly interfacePrefix: string;
  readonly hostIpv4: string | undefined;
  readonly hostIpv6: string | undefined;
  readonly gatewayMode4: GatewayMode;
  readonly gatewayMode6: GatewayMode;
  readonly trustedInterfaces: readonly string[];
  readonly inhibitIpv4: boolean;
  /** `default_bridge`: somebody takes the network for that of docker0. */
  readonly isDefaultBridge: boolean;
}

const BRIDGE = "com.docker.network.bridge.";
const NETWORK = "com.docker.network.";
export const OPTION_DEFAULT_BRIDGE = `${BRIDGE}default_bridge`;
export const OPTION_BRIDGE_NAME = `${BRIDGE}name`;
export const OPTION_ICC = `${BRIDGE}enable_icc`;
export const OPTION_MASQUERADE = `${BRIDGE}enable_ip_masquerade`;
export const OPTION_HOST_BINDING = `${BRIDGE}host_binding_ipv4`;
export const OPTION_MTU = `${NETWORK}driver.mtu`;
export const OPTION_ENABLE_IPV4 = `${NETWORK}enable_ipv4`;
export const OPTION_ENABLE_IPV6 = `${NETWORK}enable_ipv6`;
const OPTION_INHIBIT_IPV4 = `${BRIDGE}inhibit_ipv4`;
const OPTION_GATEWAY_MODE = `${BRIDGE}gateway_mode_ipv`;
const OPTION_TRUSTED = `${BRIDGE}trusted_host_interfaces`;
const OPTION_INTERFACE_PREFIX = `${NETWORK}container_iface_prefix`;
const OPTION_HOST_IP = `${NETWORK}host_ipv`;

const BOOLEANS: Readonly<Record<DockerGeneration, readonly string[]>> = {
  "20.10": [OPTION_ICC, OPTION_MASQUERADE, OPTION_DEFAULT_BRIDGE],
  "29": [OPTION_ICC, OPTION_MASQUERADE, OPTION_DEFAULT_BRIDGE, OPTION_INHIBIT_IPV4],
};
const GATEWAY_MODES: readonly GatewayMode[] = ["nat", "nat-unprotected", "routed", "isolated"];

/** IFNAMSIZ - 1 (Linux include/uapi/linux/if.h). */
export const DEVICE_NAME_MAX = 15;

/**
 * Reads the options of a bridge network (moby daemon/libnetwork/drivers/bridge/bridge_linux.go: networkConfiguration.fromLabels).
 *
 * @throws SimulationError in the driver's words.
 */
export function readBridgeOptions(spec: NetworkSpec, generation: DockerGeneration): BridgeOptions {
  const { options } = spec;
  const fail = (daemon: string): never => refuse(400, `network ${spec.name}`, daemon, spec.position);
  const failValue = (name: string, why: string): never => fail(`failed to parse ${name} value: ${options[name]} (${why})`);
  for (const name of BOOLEANS[generation]) {
    const value = options[name];
    if (value !== undefined && !isBoolean(value)) failValue(name, `strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`);
  }
  const isOn = (name: string, unless: boolean) => (options[name] === undefined ? unless : isTrue(options[name]));
  const isCurrent = generation !== "20.10";
  const hostBinding = options[OPTION_HOST_BINDING] ?? "0.0.0.0";
  if (!isIp(hostBinding)) failValue(OPTION_HOST_BINDING, "nil ip");
  const hostIp = (family: 4 | 6) => {
    const name = `${OPTION_HOST_IP}${family}`;
    const value = options[name];
    if (value !== undefined && !(family === 4 ? isIpv4(value) : isIpv6(value))) failValue(name, "nil ip");
    return value;
  };
  const gatewayMode = (family: 4 | 6): GatewayMode => {
    const name = `${OPTION_GATEWAY_MODE}${family}`;
    const value = isCurrent ? options[name] : undefined;
    if (value === undefined || value === "") return "nat";
    if (!(GATEWAY_MODES as readonly string[]).includes(value)) failValue(name, `unknown gateway mode ${value}`);
    if (value === "isolated" && !spec.internal) fail("gateway mode 'isolated' can only be used for an internal network");
    return value as GatewayMode;
  };
  return {
    device: options[OPTION_BRIDGE_NAME] || undefined,
    mtu: readMtu(spec, fail),
    icc: isOn(OPTION_ICC, true),
    masquerade: isOn(OPTION_MASQUERADE, true),
    hostBinding,
    interfacePrefix: options[OPTION_INTERFACE_PREFIX] || "eth",
    hostIpv4: hostIp(4),
    hostIpv6: isCurrent ? hostIp(6) : undefined,
    gatewayMode4: gatewayMode(4),
    gatewayMode6: gatewayMode(6),
    trustedInterfaces: isCurrent ? (options[OPTION_TRUSTED] ?? "").split(":").filter((name) => name !== "") : [],
    isDefaultBridge: isOn(OPTION_DEFAULT_BRIDGE, false),
    inhibitIpv4: isOn(OPTION_INHIBIT_IPV4, false),
  };
}

/** `com.docker.network.driver.mtu`, of every driver that has one. */
export function readMtu({ options }: NetworkSpec, fail: (daemon: string) => never): number {
  const text = options[OPTION_MTU];
  if (text === undefined) return 0;
  if (!/^[+-]?\d+$/.test(text)) return fail(`failed to parse ${OPTION_MTU} value: ${text} (strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax)`);
  const mtu = Number(text);
  return mtu < 0 ? fail(`invalid MTU number: ${mtu}`) : mtu;
}
