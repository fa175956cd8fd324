import { toPort } from "./conditions";
import type { SecureOverlay } from "./firewall";
import type { BridgeRules } from "./generation";
import type { Match } from "./rule";
import { is, type Step, StepMaker } from "./step";

/** libnetwork drivers/overlay/encryption.go: the mark by which the policy knows what to encrypt. */
const MARK = 0xd0c4e3;
const ALL_ONES = 0xffffffff;

/**
 * Outgoing frames of the network are marked, incoming ones that did not come encrypted are dropped (libnetwork drivers/overlay/encryption.go:
 * programMangle, programInput). 20.10, which asks by u32, lets the others in by a rule of their own.
 */
export function secureSteps({ vni, port }: SecureOverlay, match: BridgeRules["matchesVni"]): readonly Step[] {
  const make = new StepMaker(4, { kind: "daemon" });
  const [toVxlan] = toPort("udp", port).matches ?? [];
  const ofNetwork: Match = { match, vni };
  const came = (policy: "none" | "ipsec") => ({ protocol: is("udp"), matches: [{ match: "policy", direction: "in", policy }, toVxlan!, ofNetwork] as const });
  return [
    make.append("mangle", "OUTPUT", { protocol: is("udp"), matches: [toVxlan!, ofNetwork] }, { target: "MARK", value: MARK, mask: ALL_ONES }),
    ...(match === "u32" ? [make.append("filter", "INPUT", came("ipsec"), "ACCEPT")] : []),
    make.insert("filter", "INPUT", came("none"), "DROP"),
  ];
}
