/** Which tracked connections a daemon deletes, step by step. */
import { describe, expect, it } from "vitest";
import { formatIp } from "../net/ip";
import { Daemon } from "./daemon";
import { rulesOf } from "./generations";
import type { ContainerSpec, DockerGeneration, EndpointSpec } from "./spec";

const endpoint = (network: string): EndpointSpec => ({ network, aliases: [], gwPriority: 0 });
const web: ContainerSpec = {
  name: "web", host: "host1", networks: [], expose: [], links: [], extraHosts: [],
  publish: [{ containerPort: 9000, hostPort: { from: 53, to: 53 }, protocol: "udp" }, { containerPort: 80, hostPort: { from: 80, to: 80 }, protocol: "tcp" }],
};

function steps(generation: DockerGeneration) {
  const daemon = new Daemon({ host: { name: "host1", cpus: 1, backlog: 1000 }, rules: rulesOf(generation), seed: 0 });
  for (const name of ["alpha", "beta"]) daemon.createNetwork({ name, driver: "bridge", ipam: [], internal: false, options: {} });
  let known = 0;
  /** What went meanwhile; a port stands once for each family that it is bound in. */
  const flushedBy = (step: () => void) => {
    step();
    const flushed = daemon.state().hosts.flatMap((host) => host.flushed);
    const fresh = flushed.slice(known);
    known = flushed.length;
    return fresh.map((flush) => ("address" in flush ? formatIp(flush.address) : `udp ${flush.at ? formatIp(flush.at) : "*"}:${flush.port}`));
  };
  daemon.createContainer({ ...web, networks: [endpoint("beta")] });
  return {
    start: flushedBy(() => daemon.startContainer("web")),
    connectBefore: flushedBy(() => daemon.connect("web", endpoint("alpha"))),
    disconnectOther: flushedBy(() => daemon.disconnect("web", "beta")),
    connectBehind: flushedBy(() => daemon.connect("web", endpoint("beta"))),
    disconnectGateway: flushedBy(() => daemon.disconnect("web", "alpha")),
    connectAgain: flushedBy(() => daemon.connect("web", endpoint("alpha"))),
    stop: flushedBy(() => daemon.stopContainer("web")),
  };
}

const [ALPHA, BETA, PORT] = ["172.18.0.2", "172.19.0.2", "udp *:53"];

describe("tracked connections go", () => {
  it("in 20.10 when an endpoint has been the way out", () => {
    expect(steps("20.10")).toEqual({
      start: [],
      connectBefore: [BETA],
      disconnectOther: [],
      connectBehind: [],
      disconnectGateway: [ALPHA],
      connectAgain: [BETA],
      stop: [BETA, ALPHA],
    });
  });

  it("later also when an endpoint is told whether it is the way out, with those to its UDP ports", () => {
    expect(steps("29")).toEqual({
      start: [BETA, PORT, PORT],
      connectBefore: [BETA, ALPHA, PORT, PORT],
      disconnectOther: [],
      connectBehind: [BETA],
      disconnectGateway: [ALPHA, BETA, PORT, PORT],
      connectAgain: [BETA, ALPHA, PORT, PORT],
      stop: [ALPHA],
    });
  });
});
