import { describe, expect, it } from "vitest";
import { FlowError, FlowState } from "../../assembly/abi/counter";
import { Drop } from "../../assembly/abi/drop";
import { HISTOGRAM_BUCKETS } from "../../assembly/abi/limits";
import { FlowKind } from "../../assembly/abi/program";
import { PROTOCOL_TCP } from "../../assembly/abi/protocol";
import { NONE } from "../../assembly/abi/version";
import type { FlowCounters } from "../engine/engine";
import { type FlowRecord, NO_ADDRESS6 } from "../engine/program";
import { summarizeTraffic, type CountedFlow } from "./traffic";

const record: FlowRecord = {
  kind: FlowKind.Request, protocol: PROTOCOL_TCP, namespace: 0, destination: 0, destinationPort: 80, sourcePort: 1, bytes: 10, responseBytes: 20,
  count: 0, dontFragment: 0, intervalNs: 0, onNs: 0, offNs: 0, startNs: 0, stopNs: 1e9, thinkNs: 0, timeoutNs: 0,
};

function counted(traffic: string, from: string, latencies: readonly number[], some: Partial<FlowCounters> = {}): CountedFlow {
  const buckets = new Uint32Array(HISTOGRAM_BUCKETS);
  for (const value of latencies) buckets[value] = (buckets[value] ?? 0) + 1;
  const latency = {
    count: latencies.length,
    sumNs: latencies.reduce((sum, value) => sum + value, 0),
    minNs: Math.min(...latencies),
    maxNs: Math.max(...latencies),
    buckets,
  };
  const none = { sentBytes: 0, deliveredBytes: 0, answeredBytes: 0, duplicates: 0, reordered: 0, timeouts: 0, errors: 0, retransmits: 0, blocked: 0, inFlight: 0 };
  const outcome = { errorBy: 0, replyTtl: 0, server: NONE, peerIp: 0, peerPort: 0, localIp: 0, localPort: 0, errorBy6: NO_ADDRESS6, peerIp6: NO_ADDRESS6, localIp6: NO_ADDRESS6, reply: new Uint8Array() };
  const counters = { ...none, sent: 10, delivered: 9, answered: 8, state: FlowState.Running, error: FlowError.None, latency, outcome, ...some };
  return { traffic, label: { name: `${traffic}/${from}`, from, to: "db:80/tcp", address: "" }, record, counters, drops: [{ reason: Drop.LinkLoss, of: 0, count: 1 }] };
}

describe("traffic of one sender", () => {
  it("adds up the clients, and takes percentiles of all messages together", () => {
    const [group, ...others] = summarizeTraffic([counted("orders", "web", [1, 2, 3]), counted("orders", "web", [100])], 1e9);
    expect(others).toEqual([]);
    expect(group).toMatchObject({ name: "orders", from: "web", flows: 2, sent: 20, delivered: 18, answered: 16, lost: 4 });
    expect(group?.latency).toMatchObject({ count: 4, min: 1, p50: 2, p99: 100, max: 100 });
    expect(group?.drops).toEqual([{ reason: "LinkLoss", count: 2 }]);
  });

  it("keeps senders and descriptions apart", () => {
    const groups = summarizeTraffic([counted("a", "x", [1]), counted("a", "y", [1]), counted("b", "x", [1])], 1e9);
    expect(groups.map(({ name, from }) => `${name} ${from}`)).toEqual(["a x", "a y", "b x"]);
  });

  it("shows the state and error of the flow that calls for attention", () => {
    const failed = counted("a", "x", [1], { state: FlowState.Failed, error: FlowError.ConnectionRefused, errors: 3 });
    const [group] = summarizeTraffic([counted("a", "x", [1], { state: FlowState.Finished }), failed], 1e9);
    expect(group).toMatchObject({ state: "failed", lastError: "ConnectionRefused", errors: 3 });
  });
});
