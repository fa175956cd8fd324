import { PROTOCOL_UDP } from "../../../assembly/abi/protocol";
import { SA_SIZED } from "../../../assembly/abi/xfrm";
import type { XfrmTables } from "../../engine/program";
import type { DockerState, HostState, IpsecKeyState } from "../../model/state";
import { parseIpv4 } from "../../net/ip";
import { overlaysOf, remotesKnownTo } from "./knowledge";

/** libnetwork drivers/overlay/encryption.go: the mark of what is to be encrypted. */
const MARK = 0xd0c4e3;
/** RFC 4291 §2.5.5.2: an IPv4 address in the 16 bytes of an IPv6 one, as Go keeps it. */
const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
/** The 32-bit parameters of FNV-1a (draft-eastlake-fnv). */
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

const bytesOf = (word: number) => [word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255];

/** The SPI of a direction under a key, which is the salt as well (encryption.go: buildSPI, buildAeadAlgo). */
export function spiOf(source: number, destination: number, { tag }: IpsecKeyState): number {
  const bytes = [...MAPPED, ...bytesOf(source), ...bytesOf(tag), ...MAPPED, ...bytesOf(destination)];
  return bytes.reduce((hash, byte) => Math.imul(hash ^ byte, FNV_PRIME), FNV_OFFSET) >>> 0;
}

/** What a state encrypts; the tables of all hosts share their keys. */
export class Encryption {
  readonly tables: { readonly [Table in keyof XfrmTables]: XfrmTables[Table][number][] } = { policies: [], sas: [], keys: [] };
  readonly #keys = new Map<string, number>();

  /**
   * Towards each node that has endpoints of an encrypted network that this host has, too: an association for each key from there, one with
   * the first key to there, and the policy that takes what is marked (encryption.go: setupEncryption).
   */
  addHost(state: DockerState, host: HostState, namespace: number): void {
    const { swarm } = host;
    if (swarm?.ipsec === undefined) return;
    const own = parseIpv4(swarm.dataPathAddress, `${host.name}: data path address`);
    const { policies, sas } = this.tables;
    const { replayWindow, cipher, keys } = swarm.ipsec;
    const settings = { namespace, replayWindow, ...(cipher === "sized" && { flags: SA_SIZED }) };
    for (const peer of securePeers(state, host)) {
      const direction = (source: number, destination: number, key: IpsecKeyState) => {
        const spi = spiOf(source, destination, key);
        return sas.push({ ...settings, spi, source, destination, key: this.#indexOf(key), salt: spi }) - 1;
      };
      for (const key of keys) direction(peer, own, key);
      const sa = direction(own, peer, keys[0]!);
      policies.push({ namespace, source: own, destination: peer, protocol: PROTOCOL_UDP, port: swarm.dataPathPort, mark: MARK, sa });
    }
  }

  #indexOf({ bytes }: IpsecKeyState): number {
    const name = bytes.join(" ");
    const index = this.#keys.get(name) ?? this.tables.keys.push({ bytes }) - 1;
    this.#keys.set(name, index);
    return index;
  }
}

/** Where the tunnels of the nodes end that a host shares an encrypted network with. */
function securePeers(state: DockerState, { name }: HostState): Set<number> {
  const networks = overlaysOf(state, name).filter(({ encrypted }) => encrypted);
  return new Set(networks.flatMap((network) => remotesKnownTo(state, name, network).map(({ tunnelEnd }) => tunnelEnd)));
}
