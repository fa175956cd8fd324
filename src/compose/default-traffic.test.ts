import { describe, expect, it } from "vitest";
import { loadCompose } from "./load";
import { formatNotice } from "./notice";
import { toTopology } from "./to-topology";
import { wellKnownPort } from "./well-known-ports";

function trafficOf(text: string) {
  const { spec, notices } = toTopology(loadCompose({ file: "compose.yaml", text }));
  const flows = spec.traffic.map(({ from, to, kind }) => `${from} ${kind} ${to.host}${to.port === undefined ? "" : `:${to.port}/${to.protocol}`}`);
  return { spec, flows, messages: notices.map(formatNotice) };
}

describe("traffic of a file that describes none", () => {
  it("lets every depends_on edge exchange requests with the port that the other exposes, publishes, or is known for", () => {
    const { flows } = trafficOf(`
services:
  web: { image: nginx, depends_on: [api] }
  api: { build: ., expose: [3000], depends_on: [db, cache, queue] }
  db: { image: "docker.io/library/postgres:16-alpine" }
  cache: { image: redis }
  queue: { image: "rabbitmq:3-management", ports: ["15672:15672", "5672:5672"] }
`);
    expect(flows).toEqual(["web request api:3000/tcp", "api request db:5432/tcp", "api request cache:6379/tcp", "api request queue:5672/tcp"]);
  });

  it("takes the container's port, not the published one, and port 80 when nothing is known", () => {
    const { flows } = trafficOf(`
services:
  a: { image: own, depends_on: [b, c] }
  b: { image: own, ports: ["8080:8000"] }
  c: { image: own }
`);
    expect(flows).toEqual(["a request b:8000/tcp", "a request c:80/tcp"]);
  });

  it("uses UDP where a service has nothing else", () => {
    expect(trafficOf(`services: { a: { image: own, links: [b] }, b: { image: own, ports: ["53:53/udp"] } }`).flows).toEqual(["a request b:53/udp"]);
  });

  it("reports a dependency that no network leads to", () => {
    const { flows, messages } = trafficOf(`
services:
  web: { image: own, depends_on: [db], networks: [front] }
  db: { image: postgres, networks: [back] }
  host: { image: own, network_mode: host, depends_on: [db] }
networks: { front: {}, back: {} }
`);
    expect(flows).toEqual([]);
    expect(messages).toContain("compose.yaml:3:35: services.web.depends_on[0]: web depends on db, but they share no network: no traffic");
    expect(messages).toContainEqual(expect.stringMatching(/host depends on db, but one of them uses the host's network/));
  });

  it("follows a service into the sandbox that it shares", () => {
    const { flows } = trafficOf(`
services:
  vpn: { image: own }
  app: { image: own, network_mode: "service:vpn", expose: [8080] }
  probe: { image: own, depends_on: [app] }
  sidecar: { image: own, network_mode: "service:vpn", depends_on: [app] }
`);
    expect(flows).toEqual(["probe request vpn:8080/tcp", "sidecar request localhost:8080/tcp"]);
  });

  it("lets services ping each other where none depends on another", () => {
    const { flows } = trafficOf(`
services: { a: { image: own, networks: [x] }, b: { image: own, networks: [x, y] }, c: { image: own, networks: [y] } }
networks: { x: {}, y: {} }
`);
    expect(flows).toEqual(["a ping b", "b ping c"]);
  });

  it("lets a client on the LAN ask published ports where no service depends on another, and the host those that only it can ask", () => {
    const { flows } = trafficOf(`
services:
  web: { image: nginx, ports: ["8080:80", "127.0.0.1:9000:90", "53:53/udp", "80", "5000-5001:81"], networks: [x] }
  alone: { image: own, network_mode: host, ports: ["7000:7000"] }
networks: { x: {} }
`);
    expect(flows).toEqual(["lan request host1:8080/tcp", "host1 request 127.0.0.1:9000/tcp", "lan request host1:53/udp"]);
  });

  it("stands aside for traffic of the file, unless asked to stay, and never takes a name twice", () => {
    const services = `services: { web: { image: own, depends_on: [db] }, db: { image: postgres } }`;
    const own = `{ from: web, to: "db:9000", rate: 10/s }`;
    expect(trafficOf(`${services}\nx-dockwire: { traffic: [${own}] }`).flows).toEqual(["web constant db:9000/tcp"]);
    const both = trafficOf(`${services}\nx-dockwire: { traffic: [${own}], default_traffic: true }`);
    expect(both.spec.traffic.map(({ name }) => name)).toEqual(["web-db", "web-db-2"]);
  });

  it("leaves out services without a container, and says so when nothing is left", () => {
    const { flows, messages } = trafficOf(`services: { web: { image: own, depends_on: [db] }, db: { image: postgres, scale: 0 } }`);
    expect(flows).toEqual([]);
    expect(messages).toEqual(["compose.yaml:1:1: services: none of them talks to another one or publishes a port: x-dockwire.traffic can say who sends what"]);
  });
});

describe("the usual port of an image", () => {
  it("is found by the last part of its name", () => {
    const images = ["redis", "bitnami/postgresql:16", "ghcr.io/x/mysql-server@sha256:0", "localhost:5000/nginx", "me/constructor", "mongo-express"];
    expect(images.map(wellKnownPort)).toEqual([6379, 5432, 3306, 80, undefined, undefined]);
  });
});
