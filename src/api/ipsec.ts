import { spiOf } from "../compile/overlay/encryption";
import { formatIpv4, parseIpv4 } from "../net/ip";
import type { DockerState } from "./spec";

/** What it takes to read the packets of one direction between two nodes: a security association. */
export interface IpsecKey {
  /** The nodes' hosts. */
  readonly from: string;
  readonly to: string;
  /** Their data path addresses. */
  readonly source: string;
  readonly destination: string;
  readonly spi: number;
  /** The key of AES-128-GCM, then the salt of its nonces: 20 bytes in hexadecimal digits. */
  readonly key: string;
  /** Whether packets are sent with it now: others were, or will be. */
  readonly isPrimary: boolean;
}

/** The keys of a swarm's encrypted networks, also those that were in use before. */
export class IpsecKeys extends Array<IpsecKey> {
  /**
   * Wireshark's table of security associations, the file `esp_sa` of its profile: with it Wireshark and tshark open what a capture has, if
   * they are told to (`-o esp.enable_encryption_decode:TRUE`).
   *
   * @example await writeFile(join(homedir(), ".config/wireshark/esp_sa"), (await lab.ipsecKeys()).wireshark())
   */
  wireshark(): string {
    return Array.from(this, (association) => `${this.#row(association)}\n`).join("");
  }

  /** The same as arguments of tshark. @example execFileSync("tshark", ["-r", file, ...keys.tshark()]) */
  tshark(): string[] {
    return ["-o", "esp.enable_encryption_decode:TRUE", ...Array.from(this, (association) => ["-o", `uat:esp_sa:${this.#row(association)}`]).flat()];
  }

  #row({ source, destination, spi, key }: IpsecKey): string {
    const fields = ["IPv4", source, destination, `0x${spi.toString(16).padStart(8, "0")}`, "AES-GCM with 8 octet ICV [RFC4106]", `0x${key}`, "NULL", ""];
    return fields.map((field) => `"${field}"`).join(",");
  }
}

/** Of all swarms of a state, for each pair of nodes. */
export function ipsecKeysOf({ hosts }: DockerState): IpsecKeys {
  const nodes = hosts.flatMap(({ name, swarm }) => (swarm?.ipsec ? [{ name, ipsec: swarm.ipsec, address: parseIpv4(swarm.dataPathAddress, name) }] : []));
  const keys = new IpsecKeys();
  for (const from of nodes) {
    for (const to of nodes) {
      if (from === to || hexOf(from.ipsec.made[0]!.bytes) !== hexOf(to.ipsec.made[0]!.bytes)) continue;
      for (const key of from.ipsec.made) {
        const spi = spiOf(from.address, to.address, key);
        keys.push({
          from: from.name, to: to.name, source: formatIpv4(from.address), destination: formatIpv4(to.address), spi,
          key: hexOf(key.bytes) + spi.toString(16).padStart(8, "0"), isPrimary: key.tag === from.ipsec.keys[0]!.tag,
        });
      }
    }
  }
  return keys;
}

const hexOf = (bytes: readonly number[]) => bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
