/** Probes through both engines. */
import { describe, expect, it } from "vitest";
import { docker } from "../../support/docker";
import { Simulation } from "./simulation";
import type { DockerState } from "../../../src/model/state";

const { program, devices } = docker("pair").network("back").container("web", { networks: ["back"] }).container("db", { networks: ["back"] }).compile();
const compiled = {
  program,
  processes: [],
  namespaceOf: (place: string) => (program.names.namespaces.includes(place) ? program.names.namespaces.indexOf(place) : undefined),
  deviceOf: (place: string, device: string) => devices.get(`${place}:${device}`),
};

describe("probes", () => {
  it("are answered, refused, or lost", async () => {
    const simulation = await Simulation.open("both", () => compiled);
    simulation.follow({} as DockerState, [{ place: "db", protocol: "tcp", port: 80, name: "db" }, { place: "db", protocol: "udp", port: 9000, name: "db" }], []);
    const { traffic } = simulation;
    const echo = { size: 56, firstSequence: 1, count: 5, intervalMs: 1000, timeoutMs: 4500, dontFragment: false };
    const exchange = { host: "db", timeoutMs: 4500 };
    const db = "172.18.0.3";
    const outcomes = await simulation.during(() =>
      Promise.all([
        traffic.echo("web", db, echo),
        traffic.echo("web", "172.18.0.77", echo),
        traffic.exchange("web", "tcp", db, 81, exchange),
        traffic.exchange("web", "tcp", db, 80, exchange),
        traffic.exchange("web", "udp", db, 9000, exchange),
        traffic.exchange("web", "udp", db, 9001, exchange),
      ]),
    );
    expect(outcomes).toEqual([
      { result: "ok", ttl: 64 },
      { result: "host-unreachable", by: "172.18.0.2" },
      { result: "refused" },
      { result: "ok", server: "db", peer: "172.18.0.2" },
      { result: "ok", server: "db", peer: "172.18.0.2" },
      { result: "refused" },
    ]);
    simulation.dispose();
  });
});
