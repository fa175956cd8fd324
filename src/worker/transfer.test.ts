import { describe, expect, it } from "vitest";
import type { Counters } from "../engine/engine";
import { SimulationError } from "../errors";
import { detachCounters, fromWireError, toWireError } from "./transfer";

const cross = (error: Error) => fromWireError(structuredClone(toWireError(error)));

describe("an error on its way between threads", () => {
  it("of ours keeps class, code, message, details and stack", () => {
    const error = new SimulationError("CONFLICT", "name: taken", { names: ["web"] });
    const crossed = cross(error);
    expect(crossed).toBeInstanceOf(SimulationError);
    expect(crossed).toMatchObject({ code: "CONFLICT", message: "name: taken", details: { names: ["web"] }, stack: error.stack });
  });

  it("with a position does not repeat it", () => {
    const position = { file: "compose.yaml", line: 3, column: 7 };
    const crossed = cross(new SimulationError("INVALID_INPUT", "port: expected a number", { position }));
    expect(crossed.message).toBe("compose.yaml:3:7: port: expected a number");
    expect(crossed).toMatchObject({ details: { position } });
  });

  it("with a detail that cannot be cloned keeps it as text", () => {
    expect(cross(new SimulationError("ABORTED", "aborted", { reason: () => 1, now: 5 }))).toMatchObject({ details: { reason: "() => 1", now: 5 } });
  });

  it.each([new RangeError("r"), new TypeError("t"), new SyntaxError("s"), new Error("e")])("of the language keeps its class: %s", (error) => {
    const crossed = cross(error);
    expect(crossed.constructor).toBe(error.constructor);
    expect([crossed.name, crossed.message]).toEqual([error.name, error.message]);
  });

  it("of any other class keeps its name", () => {
    const crossed = cross(new WebAssembly.RuntimeError("unreachable"));
    expect([crossed.name, crossed.message]).toEqual(["RuntimeError", "unreachable"]);
  });
});

describe("detachCounters", () => {
  it("copies histograms out of the engine's memory", () => {
    const memory = new Uint32Array(1_000).fill(1);
    const latency = { count: 1, sumNs: 1, minNs: 1, maxNs: 1, buckets: memory.subarray(10, 20) };
    const { counters, buffers } = detachCounters({ flows: [{ latency }] } as unknown as Counters);
    expect(counters.flows[0]!.latency.buckets).toEqual(new Uint32Array(10).fill(1));
    expect(buffers.map(({ byteLength }) => byteLength)).toEqual([40]);
    structuredClone(null, { transfer: buffers });
    expect(memory).toHaveLength(1_000);
  });
});
