import { isIp } from "../../net/ip";
import { refuse } from "../refusal";
import type { Cluster } from "./cluster";
import { readToken, sumOf } from "./ids";
import { judgeInput, MANAGER_PORT } from "./manager-port";
import type { SwarmMember } from "./member";
import type { SwarmRegistry } from "./registry";
import { rpcText } from "./words";

/** The swarm of the manager at `192.0.2.11:2377`, as a node finds it that wants to join; undefined: nobody answers. */
export function findManager(from: SwarmMember, remote: string, token: string, registry: SwarmRegistry): Cluster | undefined {
  const [, name = remote, port = String(MANAGER_PORT)] = /^(.*?)(?::(\d+))?$/.exec(remote) ?? [];
  const address = isIp(name) ? name : from.addressOfName(name);
  const member = registry.memberAt(address);
  const [source] = from.addresses;
  const refused = () => refuse(503, "swarm", rpcText("Unavailable", `connection error: desc = "transport: Error while dialing dial tcp ${address}:${port}: connect: connection refused"`));
  if (!member && registry.isRefused(address, Number(port))) refused();
  if (!member || source === undefined || member.node?.isCutOff === true || from.isCutOff) return undefined;
  const verdict = member === from ? "open" : judgeInput(member.filter, source, Number(port));
  if (verdict === "dropped") return undefined;
  if (verdict === "refused" || port !== String(MANAGER_PORT) || !member.isManager) refused();
  const digest = readToken(token)?.digest;
  return registry.clustersAt(address)[0] ?? refuse(400, "swarm", `remote CA does not match fingerprint. Expected: ${sumOf(digest ?? "0")}`);
}
