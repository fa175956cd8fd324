import * as ipvs from "../../../assembly/abi/ipvs";
import * as netfilter from "../../../assembly/abi/netfilter";
import { type AddressWords, type ChainRecord, type ConntrackFilter, NO_ADDRESS6, type RealServerRecord, type RuleRecord, type VirtualServiceRecord } from "../program";

const u32 = (view: DataView, at: number, value: number) => view.setUint32(at, value, true);

export function writeChain(view: DataView, at: number, record: ChainRecord): void {
  u32(view, at + netfilter.CHAIN_NAMESPACE, record.namespace);
  u32(view, at + netfilter.CHAIN_FAMILY, record.family);
  u32(view, at + netfilter.CHAIN_TABLE, record.table);
  u32(view, at + netfilter.CHAIN_HOOK, record.hook);
  u32(view, at + netfilter.CHAIN_POLICY, record.policy);
  u32(view, at + netfilter.CHAIN_FIRST, record.first);
  u32(view, at + netfilter.CHAIN_COUNT, record.count);
}

/** An address of either family. */
export const words = (view: DataView, at: number, address: AddressWords) => address.forEach((word, index) => u32(view, at + index * 4, word));

export function writeRule(view: DataView, at: number, record: RuleRecord): void {
  u32(view, at + netfilter.RULE_MATCHES, record.matches);
  u32(view, at + netfilter.RULE_INVERTS, record.inverts);
  u32(view, at + netfilter.RULE_IN, record.in);
  u32(view, at + netfilter.RULE_OUT, record.out);
  words(view, at + netfilter.RULE_SOURCE, record.source);
  words(view, at + netfilter.RULE_SOURCE_MASK, record.sourceMask);
  words(view, at + netfilter.RULE_DESTINATION, record.destination);
  words(view, at + netfilter.RULE_DESTINATION_MASK, record.destinationMask);
  u32(view, at + netfilter.RULE_PROTOCOL, record.protocol);
  u32(view, at + netfilter.RULE_SOURCE_PORT_FROM, record.sourcePortFrom);
  u32(view, at + netfilter.RULE_SOURCE_PORT_TO, record.sourcePortTo);
  u32(view, at + netfilter.RULE_DESTINATION_PORT_FROM, record.destinationPortFrom);
  u32(view, at + netfilter.RULE_DESTINATION_PORT_TO, record.destinationPortTo);
  u32(view, at + netfilter.RULE_ICMP_TYPE, record.icmpType);
  u32(view, at + netfilter.RULE_ICMP_CODE, record.icmpCode);
  u32(view, at + netfilter.RULE_CTSTATE, record.ctstate);
  u32(view, at + netfilter.RULE_SOURCE_TYPE, record.sourceType);
  u32(view, at + netfilter.RULE_DESTINATION_TYPE, record.destinationType);
  u32(view, at + netfilter.RULE_MARK, record.mark);
  u32(view, at + netfilter.RULE_MARK_MASK, record.markMask);
  words(view, at + netfilter.RULE_CT_DESTINATION, record.ctDestination);
  words(view, at + netfilter.RULE_CT_DESTINATION_MASK, record.ctDestinationMask);
  u32(view, at + netfilter.RULE_CT_PORT_FROM, record.ctPortFrom);
  u32(view, at + netfilter.RULE_CT_PORT_TO, record.ctPortTo);
  u32(view, at + netfilter.RULE_CT_DIRECTION, record.ctDirection);
  u32(view, at + netfilter.RULE_TCP_FLAGS_MASK, record.tcpFlagsMask);
  u32(view, at + netfilter.RULE_TCP_FLAGS, record.tcpFlags);
  u32(view, at + netfilter.RULE_POLICY_DIRECTION, record.policyDirection ?? 0);
  u32(view, at + netfilter.RULE_WORD_OFFSET, record.wordOffset ?? 0);
  u32(view, at + netfilter.RULE_WORD_MASK, record.wordMask ?? 0);
  u32(view, at + netfilter.RULE_WORD, record.word ?? 0);
  writeTarget(view, at, record);
}

function writeTarget(view: DataView, at: number, record: RuleRecord): void {
  u32(view, at + netfilter.RULE_TARGET, record.target);
  u32(view, at + netfilter.RULE_CHAIN, record.chain);
  u32(view, at + netfilter.RULE_REJECT_WITH, record.rejectWith);
  words(view, at + netfilter.RULE_NAT_FROM, record.natFrom);
  words(view, at + netfilter.RULE_NAT_TO, record.natTo);
  u32(view, at + netfilter.RULE_NAT_PORT_FROM, record.natPortFrom);
  u32(view, at + netfilter.RULE_NAT_PORT_TO, record.natPortTo);
  u32(view, at + netfilter.RULE_SET_MARK, record.setMark);
  u32(view, at + netfilter.RULE_SET_MARK_MASK, record.setMarkMask);
}

export function writeVirtualService(view: DataView, at: number, record: VirtualServiceRecord): void {
  u32(view, at + ipvs.SERVICE_NAMESPACE, record.namespace);
  u32(view, at + ipvs.SERVICE_FWMARK, record.fwmark);
  u32(view, at + ipvs.SERVICE_SCHEDULER, record.scheduler);
  u32(view, at + ipvs.SERVICE_FIRST, record.first);
  u32(view, at + ipvs.SERVICE_COUNT, record.count);
}

export function writeRealServer(view: DataView, at: number, record: RealServerRecord): void {
  u32(view, at + ipvs.SERVER_ADDRESS, record.address);
  u32(view, at + ipvs.SERVER_WEIGHT, record.weight);
  u32(view, at + ipvs.SERVER_FORWARDING, record.forwarding);
}

export function writeConntrackFilter(view: DataView, at: number, filter: ConntrackFilter): void {
  const { protocol, originalPort, originalDestination, replyEnd } = filter;
  const asks: readonly (readonly [unknown, number])[] = [
    [protocol, netfilter.CT_ASKS_PROTOCOL],
    [originalPort, netfilter.CT_ASKS_ORIGINAL_PORT],
    [originalDestination, netfilter.CT_ASKS_ORIGINAL_DESTINATION],
    [replyEnd, netfilter.CT_ASKS_REPLY_END],
  ];
  u32(view, at + netfilter.CT_FILTER_NAMESPACE, filter.namespace);
  u32(view, at + netfilter.CT_FILTER_FAMILY, filter.family);
  u32(view, at + netfilter.CT_FILTER_ASKS, asks.reduce((bits, [value, bit]) => (value === undefined ? bits : bits | bit), 0));
  u32(view, at + netfilter.CT_FILTER_PROTOCOL, protocol ?? 0);
  u32(view, at + netfilter.CT_FILTER_ORIGINAL_PORT, originalPort ?? 0);
  words(view, at + netfilter.CT_FILTER_ORIGINAL_DESTINATION, originalDestination ?? NO_ADDRESS6);
  words(view, at + netfilter.CT_FILTER_REPLY_END, replyEnd ?? NO_ADDRESS6);
}
