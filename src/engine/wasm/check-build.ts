import { MATCH_IPVS, MATCH_POLICY, MATCH_WORD } from "../../../assembly/abi/netfilter";
import { DeviceKind } from "../../../assembly/abi/program";
import { SimulationError } from "../../errors";
import type { DatapathProgram } from "../program";
import type { WasmExports } from "./instance";

/**
 * Whether this build of the engine knows what the program needs.
 *
 * @throws SimulationError `UNSUPPORTED` if it is the one for networks of one host, and the program has VXLAN, IPVS or IPsec, or rules that ask for them or for single words of packets.
 */
export function checkBuild(wasm: WasmExports, program: Omit<DatapathProgram, "capacity">): void {
  if (wasm.manyHosts() === 0 && needsManyHosts(program)) refuse();
}

/** The same for what flows say word for word. */
export function checkPayloadBuild(wasm: WasmExports): void {
  if (wasm.manyHosts() === 0) refuse();
}

function refuse(): never {
  const expected = "wasm: expected the build for several hosts, as this network has overlays, load balancers or IPsec";
  throw new SimulationError("UNSUPPORTED", `${expected}; found the small one, which pages load for one host; start with wasm: "dockwire/core.wasm", by its URL`);
}

/** Tests of rules that only the large build has. */
const LARGE = MATCH_IPVS | MATCH_POLICY | MATCH_WORD;

function needsManyHosts({ devices, rules, virtualServices, xfrm }: Omit<DatapathProgram, "capacity">): boolean {
  if (virtualServices?.length || xfrm?.policies.length || xfrm?.sas.length) return true;
  if (rules.some(({ matches }) => (matches & LARGE) !== 0)) return true;
  return devices.some(({ kind }) => kind === DeviceKind.Vxlan);
}
