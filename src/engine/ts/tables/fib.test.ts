import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RouteType } from "../../../../assembly/abi/program";
import { NONE } from "../../../../assembly/abi/version";
import { ip } from "../../../../test/support/program";
import type { RouteRecord } from "../../program";
import { Fib } from "./fib";

function record(destination: number, prefix: number, metric: number, gateway: number): RouteRecord {
  return { namespace: 0, destination, prefix, type: RouteType.Unicast, device: NONE, gateway, source: 0, metric };
}

describe("the routes of a namespace", () => {
  it("are searched for the longest prefix, then the lowest metric, then the lowest index", () => {
    const route = fc.record({
      destination: fc.constantFrom(0x0a000000, 0x0a010000, 0x0a010200, 0xffffff00),
      prefix: fc.constantFrom(0, 8, 16, 24, 32),
      metric: fc.nat(3),
    });
    fc.assert(
      fc.property(
        fc.array(route, { maxLength: 20 }),
        fc.constantFrom(0x0a000000, 0x0a010203, 0x0b000000, 0xffffffff, 0xffffff00),
        (routes, destination) => {
          const fib = new Fib();
          const records = routes.map(({ destination: network, prefix, metric }, i) => record(network, prefix, metric, i + 1));
          for (const one of records) fib.learn(one, null);
          const matching = records.filter(
            ({ destination: network, prefix }) => prefix === 0 || network >>> (32 - prefix) === destination >>> (32 - prefix),
          );
          matching.sort((a, b) => b.prefix - a.prefix || a.metric - b.metric || a.gateway - b.gateway);
          expect(fib.find(destination | 0)?.gateway ?? null).toBe(matching[0]?.gateway ?? null);
        },
      ),
    );
  });

  it("do not know what no prefix covers", () => {
    const fib = new Fib();
    fib.learn(record(ip("10.0.0.0"), 8, 0, 1), null);
    expect(fib.find(ip("11.0.0.1"))).toBeNull();
  });
});
