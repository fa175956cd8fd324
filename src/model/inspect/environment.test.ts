import { describe, expect, it } from "vitest";
import { environmentOf } from "./environment";

const tcp = (port: number) => ({ port, protocol: "tcp" as const });

describe("the environment of a container", () => {
  it("has Docker's variables, replaced in their places by its own", () => {
    const variables = ["A=2", "C=", "PATH=/bin", "HOSTNAME=z"];
    expect(environmentOf({ name: "c1", hostname: "abc", variables, links: [] })).toEqual(["PATH=/bin", "HOSTNAME=z", "A=2", "C=", "HOME=/root"]);
    expect(environmentOf({ name: "c1", hostname: "abc", variables: ["HOME=/h"], links: [], tty: true }).slice(1)).toEqual(["HOSTNAME=abc", "TERM=xterm", "HOME=/h"]);
  });

  it("tells of a linked container without ports its name and its variables", () => {
    const link = { name: "db", alias: "plain", address: "172.17.0.3", exposed: [], environment: ["X=y", "PATH=/bin", "HOME=/"] };
    expect(environmentOf({ name: "app", hostname: "h", variables: ["PATH=/bin"], links: [link] })).toEqual(["PATH=/bin", "HOSTNAME=h", "PLAIN_NAME=/app/plain", "PLAIN_ENV_X=y", "HOME=/root"]);
  });

  it("tells of runs of three and more ports where they start and end", () => {
    const exposed = [tcp(91), { port: 80, protocol: "udp" as const }, tcp(82), tcp(80), tcp(81), tcp(90)];
    const link = { name: "db", alias: "p-r", address: "172.17.0.4", exposed, environment: [] };
    const variables = environmentOf({ name: "lnk", hostname: "h", variables: [], links: [link] });
    expect(variables.slice(2, 13)).toEqual([
      "P_R_PORT=tcp://172.17.0.4:80",
      "P_R_PORT_80_TCP_START=tcp://172.17.0.4:80",
      "P_R_PORT_80_TCP_ADDR=172.17.0.4",
      "P_R_PORT_80_TCP_PROTO=tcp",
      "P_R_PORT_80_TCP_PORT_START=80",
      "P_R_PORT_80_TCP_END=tcp://172.17.0.4:82",
      "P_R_PORT_80_TCP_PORT_END=82",
      "P_R_PORT_80_TCP=tcp://172.17.0.4:80",
      "P_R_PORT_80_TCP_PORT=80",
      "P_R_PORT_80_UDP=udp://172.17.0.4:80",
      "P_R_PORT_80_UDP_ADDR=172.17.0.4",
    ]);
    expect(variables.filter((variable) => /_(START|END)=/.test(variable)).length).toBe(4);
  });
});
