import { describe, expect, it } from "vitest";
import { TCP_RTO_MAX_NS, TCP_RTO_MIN_NS } from "../../../../assembly/abi/limits";
import { twoHosts } from "../../../../test/support/program";
import { Kernel } from "../kernel";
import { acknowledge, acknowledgeAgain, Answer, beginCongestion, timeOut } from "./congestion";
import { before, Connection, ConnectionTable } from "./connection";

const namespace = new Kernel(twoHosts().draft.program(), 1).namespaces[0];

describe("sequence numbers", () => {
  it("go on beyond 2^32", () => {
    expect(before(0xfffffff0 | 0, 5)).toBe(true);
    expect(before(5, 0xfffffff0 | 0)).toBe(false);
    expect(before(7, 7)).toBe(false);
  });
});

describe("the table of connections", () => {
  it("finds by all five parts of the key and reuses the lowest free record", () => {
    const table = new ConnectionTable(3);
    const [a, b, c] = [1, 2, 3].map((port) => table.take(namespace, 10, port, 20, 80));
    expect(table.isFull).toBe(true);
    expect(table.find(namespace, 10, 2, 20, 80)).toBe(b);
    expect(table.find(namespace, 10, 2, 21, 80)).toBeNull();
    expect(table.find(namespace, 10, 2, 20, 81)).toBeNull();
    table.release(c);
    table.release(a);
    expect(table.find(namespace, 10, 1, 20, 80)).toBeNull();
    expect(table.take(namespace, 10, 9, 20, 80)).toBe(a);
    expect(table.take(namespace, 10, 8, 20, 80)).toBe(c);
  });
});

describe("the retransmission timeout", () => {
  it("follows RFC 6298 between its limits", () => {
    const connection = new Connection(0);
    connection.begin(0);
    connection.sampleRtt(100_000_000);
    expect([connection.srtt, connection.rttvar, connection.rto]).toEqual([100_000_000, 50_000_000, 300_000_000]);
    connection.sampleRtt(60_000_000);
    expect([connection.srtt, connection.rttvar, connection.rto]).toEqual([95_000_000, 47_500_000, 285_000_000]);
    for (let i = 0; i < 50; i++) connection.sampleRtt(1000);
    expect(connection.rto).toBe(TCP_RTO_MIN_NS);
    for (let i = 0; i < 20; i++) connection.backOff();
    expect(connection.rto).toBe(TCP_RTO_MAX_NS);
  });
});

describe("congestion control", () => {
  function begun(): Connection {
    const connection = new Connection(0);
    connection.begin(0);
    connection.mss = 1012;
    beginCongestion(connection);
    return connection;
  }

  it("starts with ten segments, doubles per round trip, then grows by one", () => {
    const connection = begun();
    expect(connection.cwnd).toBe(10_000);
    for (let i = 0; i < 10; i++) acknowledge(connection, 1000);
    expect(connection.cwnd).toBe(20_000);
    connection.ssthresh = 20_000;
    for (let i = 0; i < 20; i++) acknowledge(connection, 1000);
    expect(connection.cwnd).toBeGreaterThan(20_900);
    expect(connection.cwnd).toBeLessThanOrEqual(21_000);
  });

  it("retransmits on the third duplicate and leaves recovery where it began", () => {
    const connection = begun();
    connection.sndNxt = connection.sndMax = 8000;
    expect([1, 2, 3, 4].map(() => acknowledgeAgain(connection))).toEqual([Answer.Nothing, Answer.Nothing, Answer.Retransmit, Answer.Send]);
    expect([connection.ssthresh, connection.cwnd]).toEqual([4000, 8000]);
    connection.sndUna = 3000;
    expect(acknowledge(connection, 3000)).toBe(true);
    expect(connection.cwnd).toBe(6000);
    connection.sndUna = 8000;
    expect(acknowledge(connection, 5000)).toBe(false);
    expect([connection.inRecovery, connection.cwnd]).toEqual([false, 4000]);
  });

  it("falls back to one segment on a timeout", () => {
    const connection = begun();
    connection.sndNxt = connection.sndMax = 9000;
    timeOut(connection);
    expect([connection.ssthresh, connection.cwnd]).toEqual([4500, 1000]);
  });
});
