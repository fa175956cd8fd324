import { describe, expect, it } from "vitest";
import { refusalOf } from "../../test/support/docker";
import { parseExpose, parsePublish } from "./ports";

const at = (port: number) => ({ from: port, to: port });

describe("a port mapping", () => {
  it.each([
    ["80", [{ containerPort: 80, protocol: "tcp" }]],
    ["8080:80", [{ containerPort: 80, protocol: "tcp", hostPort: at(8080) }]],
    ["53:53/UDP", [{ containerPort: 53, protocol: "udp", hostPort: at(53) }]],
    ["127.0.0.1:8080:80", [{ containerPort: 80, protocol: "tcp", hostPort: at(8080), hostIp: "127.0.0.1" }]],
    ["127.0.0.1::80", [{ containerPort: 80, protocol: "tcp", hostIp: "127.0.0.1" }]],
    ["[::1]:8080:80", [{ containerPort: 80, protocol: "tcp", hostPort: at(8080), hostIp: "::1" }]],
    ["::1:8080:80", [{ containerPort: 80, protocol: "tcp", hostPort: at(8080), hostIp: "::1" }]],
    ["0:80", [{ containerPort: 80, protocol: "tcp", asksForAny: true }]],
    ["8000-8009:80", [{ containerPort: 80, protocol: "tcp", hostPort: { from: 8000, to: 8009 } }]],
    ["8000-8001:80-81", [{ containerPort: 80, protocol: "tcp", hostPort: at(8000) }, { containerPort: 81, protocol: "tcp", hostPort: at(8001) }]],
    ["80-81", [{ containerPort: 80, protocol: "tcp" }, { containerPort: 81, protocol: "tcp" }]],
  ])("%s is read", (text, expected) => {
    expect(parsePublish(text, "publish")).toEqual(expected);
  });

  it.each([
    ["8080:", "no port specified: 8080:<empty>"],
    ["80/xyz", "invalid proto: xyz"],
    ["999.1.1.1:80:80", "invalid IP address: 999.1.1.1"],
    ["8080:http", "invalid containerPort: http"],
    ["http:80", "invalid hostPort: http"],
    ["70000:80", "invalid hostPort: 70000"],
    ["0", "invalid containerPort: 0"],
    ["8000-8002:80-81", "invalid ranges specified for container and host Ports: 80-81 and 8000-8002"],
  ])("%s is refused in Docker's words", (text, reason) => {
    expect(refusalOf(() => parsePublish(text, "publish"))).toBe(`INVALID_INPUT: publish: ${reason}`);
  });
});

describe("an exposed port", () => {
  it("is a port or a range", () => {
    expect(parseExpose("53/udp", "expose")).toEqual({ from: 53, to: 53, protocol: "udp" });
    expect(parseExpose("7000-7002", "expose")).toEqual({ from: 7000, to: 7002, protocol: "tcp" });
    expect(refusalOf(() => parseExpose("99999", "expose"))).toBe("INVALID_INPUT: expose: invalid range format for --expose: 99999");
  });
});
