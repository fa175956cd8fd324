import { Family } from "../../assembly/abi/netfilter";
import { PROTOCOL_UDP } from "../../assembly/abi/protocol";
import { addressWords } from "../engine/address-words";
import type { AddressWords, ConntrackFilter } from "../engine/program";
import type { ConntrackFlush, DockerState } from "../model/state";
import type { IpAddress } from "../net/ip";
import type { Layout } from "./state";

/** The tracked connections that daemons have deleted since the state before. */
export function forgotten(before: DockerState, after: DockerState, { network }: Layout): ConntrackFilter[] {
  return after.hosts.flatMap(({ name, flushed }) => {
    const known = before.hosts.find((host) => host.name === name)?.flushed.length ?? 0;
    const namespace = network.places.get(name);
    return namespace === undefined ? [] : flushed.slice(known).flatMap((flush) => filters(namespace, flush));
  });
}

function filters(namespace: number, flush: ConntrackFlush): ConntrackFilter[] {
  if ("address" in flush) return [{ namespace, family: familyOf(flush.address), replyEnd: wordsOfAddress(flush.address) }];
  const { at, port: originalPort } = flush;
  const wanted = { namespace, protocol: PROTOCOL_UDP, originalPort };
  if (at) return [{ ...wanted, family: familyOf(at), originalDestination: wordsOfAddress(at) }];
  return [Family.Ipv4, Family.Ipv6].map((family) => ({ ...wanted, family }));
}

function familyOf({ family }: IpAddress): Family {
  return family === 4 ? Family.Ipv4 : Family.Ipv6;
}

function wordsOfAddress(address: IpAddress): AddressWords {
  return address.family === 4 ? [address.value, 0, 0, 0] : addressWords(address.value);
}
