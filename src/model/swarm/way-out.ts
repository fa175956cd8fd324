import { formatCidr } from "../../net/cidr";
import { formatIp } from "../../net/ip";
import { addressOf } from "../block";
import { type Attachment, type Container, endpointState } from "../container";
import type { Endpoint } from "../endpoint";
import { macOf0242 } from "../identity";
import type { Ids } from "../ids";
import { nameVeth } from "../joining";
import { refuse } from "../refusal";

/**
 * `docker network connect docker_gwbridge`, of a container whose way out that is: the daemon gives it a second address there, which the
 * kernel does not take as the first one's route is in the way; what 20.10 shows of the network stays.
 *
 * Differs from Docker: interfaces have no numbers here, so that of the message is its place among the container's.
 */
export function refuseSecondWayOut(container: Container, wayOut: Endpoint, attachment: Attachment, context: { readonly ids: Ids; readonly veths: Set<string>; readonly isOld: boolean }): never {
  const { members: network, v4 } = wayOut;
  const value = v4?.block.pool.take();
  if (!v4 || value === undefined) refuse(500, `container ${container.name}`, `no available IPv4 addresses on this network's address pools: ${network.name} (${network.id})`);
  v4.block.pool.release(value);
  const { ids, veths, isOld } = context;
  const id = ids.id("endpoint", network.name, container.name);
  const mac = isOld ? macOf0242(Number(value)) : ids.identity.randomMac(id);
  attachment.networkId = network.id;
  attachment.aliases ??= [...attachment.spec.aliases, container.shortId];
  attachment.stale = endpointState({ ...wayOut, id, mac, v4: { ...v4, value }, gateway4: undefined, gateway6: undefined });
  if (isOld) container.attachments.set(network.name, attachment);
  const { subnet } = v4.block;
  const veth = nameVeth(container.id, `eth${wayOut.index + 1}`, { ids, veths });
  veths.delete(veth);
  const address = `${formatIp(addressOf(4, value))}/${subnet.prefixLength}`;
  const route = `{Ifindex: ${wayOut.index} Dst: ${formatCidr(subnet)} Src: ${formatIp(addressOf(4, v4.value))} Gw: <nil> Flags: [] Table: 254 Realm: 0}`;
  const conflict = `cannot program address ${address} in sandbox interface because it conflicts with existing route ${route}`;
  return refuse(500, `container ${container.name}`, `failed to add interface ${veth} to sandbox: error setting interface "${veth}" IP to ${address}: ${conflict}`);
}
