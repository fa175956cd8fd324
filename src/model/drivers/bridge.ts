import { isIp } from "../../net/ip";
import { refuse } from "../refusal";
import type { NetworkSpec } from "../spec";

/** What a bridge network's options say; the rest of them is stored and ignored, as Docker does. */
export interface BridgeOptions {
  /** Device name, if one was asked for. */
  readonly device: string | undefined;
  /** 0: what the kernel takes, 1500. */
  readonly mtu: number;
  /** Address that published ports are bound to when none is said. */
  readonly hostBinding: string;
  /** Start of the names of interfaces inside containers. */
  readonly interfacePrefix: string;
}

export const OPTION_BRIDGE_NAME = "com.docker.network.bridge.name";
export const OPTION_MTU = "com.docker.network.driver.mtu";
const OPTION_HOST_BINDING = "com.docker.network.bridge.host_binding_ipv4";
const OPTION_INTERFACE_PREFIX = "com.docker.network.container_iface_prefix";
const BOOLEAN_OPTIONS = ["com.docker.network.bridge.enable_icc", "com.docker.network.bridge.enable_ip_masquerade"];

/** IFNAMSIZ - 1 (Linux include/uapi/linux/if.h). */
const DEVICE_NAME_MAX = 15;
/** ETH_MAX_MTU (Linux include/uapi/linux/if_ether.h), and the smallest MTU that IPv4 works with (RFC 791). */
const MTU_MAX = 65535;
const MTU_MIN = 68;

/**
 * Reads the options of a bridge network (moby daemon/libnetwork/drivers/bridge/bridge_linux.go: networkConfiguration.fromLabels).
 *
 * @throws SimulationError `INVALID_INPUT` in the driver's words.
 */
export function readBridgeOptions(spec: NetworkSpec): BridgeOptions {
  const fail = (daemon: string): never => refuse("INVALID_INPUT", `network ${spec.name}`, daemon, spec.position);
  for (const name of BOOLEAN_OPTIONS) {
    const value = spec.options[name];
    // Go's strconv.ParseBool.
    if (value !== undefined && !/^(1|t|T|true|TRUE|True|0|f|F|false|FALSE|False)$/.test(value)) {
      fail(`failed to parse ${name} value: ${value} (strconv.ParseBool: parsing "${value}": invalid syntax)`);
    }
  }
  const device = spec.options[OPTION_BRIDGE_NAME];
  if (device !== undefined && device.length > DEVICE_NAME_MAX) {
    fail("failed to check bridge interface existence: numerical result out of range");
  }
  const hostBinding = spec.options[OPTION_HOST_BINDING] ?? "0.0.0.0";
  if (!isIp(hostBinding)) fail(`failed to parse ${OPTION_HOST_BINDING} value: ${hostBinding} (nil ip)`);
  return {
    device: device === "" ? undefined : device,
    mtu: readMtu(spec, fail),
    hostBinding,
    interfacePrefix: spec.options[OPTION_INTERFACE_PREFIX] || "eth",
  };
}

function readMtu(spec: NetworkSpec, fail: (daemon: string) => never): number {
  const text = spec.options[OPTION_MTU];
  if (text === undefined) return 0;
  if (!/^[+-]?\d+$/.test(text)) return fail(`failed to parse ${OPTION_MTU} value: ${text} (strconv.Atoi: parsing "${text}": invalid syntax)`);
  const mtu = Number(text);
  if (mtu < 0) return fail(`invalid MTU number: ${mtu}`);
  // The kernel refuses these when the veth pair is made.
  if (mtu !== 0 && (mtu < MTU_MIN || mtu > MTU_MAX)) return fail(`invalid MTU number: ${mtu} (expected 0, or from ${MTU_MIN} to ${MTU_MAX})`);
  return mtu;
}
