import type { AddressWords, ConntrackFilter } from "../../program";
import type { Kernel } from "../kernel";
import { isIpv6 } from "../memory/address-table";
import type { Entry } from "./entry";

/** What `protocol` of an entry has of the IP header; ICMP of the other family is told apart above it. */
const PROTOCOL_BITS = 255;

/** ctnetlink: the confirmed entries that have all that the filter asks for go. */
export function deleteEntries(kernel: Kernel, filter: ConntrackFilter): void {
  const { family, protocol, originalPort, originalDestination, replyEnd } = filter;
  const namespace = kernel.namespaces[filter.namespace];
  const numberOf = (words: AddressWords) => (family === 6 ? kernel.addresses.lookUp(words) : words[0] | 0);
  const [destination, end] = [originalDestination, replyEnd].map((words) => words && numberOf(words));
  const isWanted = ({ protocol: own, original, reply }: Entry) =>
    (protocol === undefined || (own & PROTOCOL_BITS) === protocol) &&
    (originalPort === undefined || original.destinationPort === originalPort) &&
    (destination === undefined || original.destination === destination) &&
    (end === undefined || reply.source === end || reply.destination === end);
  kernel.conntrack.removeAll((entry) => entry.namespace === namespace && isIpv6(entry.original.destination) === (family === 6) && isWanted(entry));
}
