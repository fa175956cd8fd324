import { describe, expect, it } from "vitest";
import { readListener, readRoute } from "./host-text";

describe("a route of a host", () => {
  it.each([
    ["10.8.0.0/16 via 192.0.2.1", { destination: "10.8.0.0/16", type: "unicast", via: "192.0.2.1", scope: "global" }],
    ["172.16.0.0/12 dev eth0 metric 50", { destination: "172.16.0.0/12", type: "unicast", device: "eth0", scope: "link", metric: 50 }],
    ["unreachable 10.9.0.0/16", { destination: "10.9.0.0/16", type: "unreachable", scope: "global" }],
    ["default via 2001:db8:1::1 dev eth0", { destination: "default", type: "unicast", via: "2001:db8:1::1", device: "eth0", scope: "global" }],
  ])("is read as ip route has it: %s", (text, route) => {
    expect(readRoute(text, "route")).toEqual(route);
  });

  it.each(["10.8.0.0/16", "10.8.0.0/16 via nowhere", "10.8.0.0/99 via 192.0.2.1", ""])("is refused: %j", (text) => {
    expect(() => readRoute(text, "host h1: route")).toThrow(/^host h1: route: expected/);
  });
});

describe("a port of a host's program", () => {
  it.each([
    ["22/tcp", { protocol: "tcp", address: "*", port: 22 }],
    ["127.0.0.53:53/udp", { protocol: "udp", address: "127.0.0.53", port: 53 }],
    ["[::1]:8080", { protocol: "tcp", address: "::1", port: 8080 }],
  ])("is read: %s", (text, listener) => {
    expect(readListener(text, "listen")).toMatchObject(listener);
  });

  it.each(["0/tcp", "ssh", "22/sctp", "1.2.3:5"])("is refused: %s", (text) => {
    expect(() => readListener(text, "host h1: listen")).toThrow(`host h1: listen: expected "[address:]port[/tcp|/udp]", found "${text}"`);
  });
});
