import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Field } from "./field";
import { readExpose, readPorts } from "./ports";
import { nodeFromObject, parseYaml } from "./yaml";

const field = (value: unknown): Field => new Field(nodeFromObject(value), ["services", "web", "ports"]);

/** `[hostIp:]published:target/protocol` of every port. */
function read(...ports: unknown[]): string[] {
  return readPorts(field(ports)).map(({ hostIp, published, target, protocol }) => {
    const host = published ? (published.from === published.to ? published.from : `${published.from}-${published.to}`) : "any";
    return `${hostIp ? `${hostIp} ` : ""}${host}:${target}/${protocol}`;
  });
}

describe("readPorts, short form", () => {
  it.each([
    ["80", ["any:80/tcp"]],
    [80, ["any:80/tcp"]],
    ["8080:80", ["8080:80/tcp"]],
    ["8080:80/UDP", ["8080:80/udp"]],
    ["80/sctp", ["any:80/sctp"]],
    ["80/", ["any:80/tcp"]],
    ["0:80", ["any:80/tcp"]],
    ["3000-3002", ["any:3000/tcp", "any:3001/tcp", "any:3002/tcp"]],
    ["9000-9001:80-81", ["9000:80/tcp", "9001:81/tcp"]],
    ["8000-8010:80", ["8000-8010:80/tcp"]],
    ["127.0.0.1:8001:80", ["127.0.0.1 8001:80/tcp"]],
    ["127.0.0.1::80", ["127.0.0.1 any:80/tcp"]],
    ["[::1]:8080:80", ["::1 8080:80/tcp"]],
    ["::1:8080:80", ["::1 8080:80/tcp"]],
    ["[::]::53/udp", [":: any:53/udp"]],
  ])("reads %j", (text, expected) => {
    expect(read(text)).toEqual(expected);
  });

  it.each([
    ["80:abc", `invalid container port "abc"`],
    ["abc:80", `invalid host port "abc"`],
    ["", "no container port"],
    ["8080:", "no container port"],
    ["65536", `invalid container port "65536"`],
    ["0", `invalid container port "0"`],
    ["82-80", `invalid container port "82-80"`],
    ["80/icmp", `invalid protocol "icmp"`],
    ["80/tcp/udp", `invalid protocol "tcp/udp"`],
    ["localhost:80:80", `invalid IP address "localhost"`],
    ["256.0.0.1:80:80", `invalid IP address "256.0.0.1"`],
    ["8000-8002:80-81", `ranges of different length "8000-8002" and "80-81"`],
    ["-1:80", `invalid host port "-1"`],
    ["80.5", `invalid container port "80.5"`],
  ])("refuses %j", (text, reason) => {
    expect(() => read(text)).toThrow(
      `services.web.ports[0]: expected "[ip:][host:]container[/proto]", found ${JSON.stringify(text)}: ${reason}`,
    );
  });

  it("names the place of the entry", () => {
    const [node] = parseYaml({ file: "f.yaml", text: "- '80'\n- 80:x\n" });
    expect(() => node && readPorts(new Field(node, ["ports"]))).toThrow('f.yaml:2:3: ports[1]: expected "[ip:][host:]container[/proto]"');
  });

  it("reads back whatever is written in its grammar", () => {
    const port = fc.integer({ min: 1, max: 65535 });
    const ip = fc.oneof(fc.ipV4(), fc.ipV6().map((address) => `[${address}]`));
    fc.assert(fc.property(fc.option(ip), fc.option(port), port, fc.constantFrom("tcp", "udp", "sctp"), (host, published, target, protocol) => {
      const text = `${host === null ? "" : `${host}:`}${published ?? ""}${host === null && published === null ? "" : ":"}${target}/${protocol}`;
      expect(readPorts(field([text]))).toMatchObject([
        { hostIp: host?.replace(/[[\]]/g, ""), published: published === null ? undefined : { from: published, to: published }, target, protocol },
      ]);
    }));
  });

  it("fails with a message, never otherwise, on any text", () => {
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom("0", "8", "1", ":", "-", "/", "[", "]", ".", "t", "c", "p") }), (text) => {
      try {
        expect(read(text).length).toBeGreaterThan(0);
      } catch (error) {
        expect(String(error)).toContain('services.web.ports[0]: expected "[ip:][host:]container[/proto]"');
      }
    }));
  });
});

describe("readPorts, long form", () => {
  it("reads every property", () => {
    const ports = readPorts(field([
      { target: "80", published: "8080-8090", host_ip: "127.0.0.1", protocol: "UDP", mode: "host", app_protocol: "http", name: "web" },
      { target: 81, published: 8081 },
      { target: 82, published: "", host_ip: "" },
    ]));
    expect(ports).toMatchObject([
      {
        target: 80, published: { from: 8080, to: 8090 }, hostIp: "127.0.0.1", protocol: "udp", mode: "host", appProtocol: "http", name: "web",
        place: { path: "services.web.ports[0]" },
      },
      { target: 81, published: { from: 8081, to: 8081 }, hostIp: undefined, protocol: "tcp", mode: "ingress" },
      { target: 82, published: undefined, hostIp: undefined },
    ]);
  });

  it.each([
    [{ published: 80 }, `services.web.ports[0]: expected the property "target", found none`],
    [{ target: "80-81" }, `services.web.ports[0].target: expected a number, found "80-81"`],
    [{ target: 70000 }, "services.web.ports[0].target: expected an integer from 1 to 65535, found 70000"],
    [{ target: 80, published: "x" }, `services.web.ports[0].published: expected a port or a range of ports, found "x"`],
    [{ target: 80, host_ip: "localhost" }, `services.web.ports[0].host_ip: expected an IPv4 or IPv6 address, found "localhost"`],
    [{ target: 80, protocol: "icmp" }, `services.web.ports[0].protocol: expected "tcp", "udp" or "sctp", found "icmp"`],
    [{ target: 80, mode: "hots" }, `services.web.ports[0].mode: expected "ingress" or "host", found "hots"`],
  ])("refuses %j", (port, message) => {
    expect(() => read(port)).toThrow(message);
  });
});

it("keeps the later of two ports with one binding", () => {
  expect(read("8080:80", "0.0.0.0:8080:80", { target: 80, published: 8080, name: "x" }, "8080:80/udp")).toEqual(["8080:80/tcp", "8080:80/udp"]);
});

it("reads exposed ports and ranges", () => {
  const expose = (values: unknown[]) => readExpose(new Field(nodeFromObject(values), ["expose"]));
  expect(expose([3000, "8000-8010/UDP", "3000"])).toEqual([
    { from: 3000, to: 3000, protocol: "tcp" },
    { from: 8000, to: 8010, protocol: "udp" },
  ]);
  for (const bad of ["80:80", "80/icmp", "0", "x", "80/tcp/udp"]) {
    expect(() => expose([bad])).toThrow(`expose[0]: expected "port[-port][/proto]", found ${JSON.stringify(bad)}`);
  }
});
