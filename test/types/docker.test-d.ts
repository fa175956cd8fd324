/** What compiles and what must not: checked by `tsc --noEmit`, never run. */
import type { Docker, DockerTopology } from "../../src/api/docker";
import type { Lab } from "../../src/api/lab";

declare const api: Docker;
declare const lab: Lab;
declare const names: readonly string[];
const { docker, compareEngines } = api;

const shop = docker("shop", { docker: "20.10", seed: 7, cpus: 4 })
  .network("front", { subnet: "172.20.0.0/24", link: { rate: "10Mbit", delay: "1ms", loss: "0.1%" } })
  .network("back", { internal: true, mtu: 1400 })
  .container("web", { networks: ["front", "back"], publish: ["8080:80/tcp", "127.0.0.1:8443:443", "9000-9010:9000-9010/udp"] })
  .container("db", { networks: { back: { ipv4: "172.21.0.10", aliases: ["postgres"], link: { jitter: "50us" } } } })
  .container("sidecar", { networkMode: "container:web" })
  .container("old", { networks: ["bridge"], links: ["db", "web:www"] });

shop
  .traffic("queries", "web").to("db:5432/tcp").rate("200Mbit").size(512).during("1s", "9s")
  .traffic("probes", "db").to("web").rate("10/s").count(100)
  .traffic("by-address", "web").to("172.21.0.10:53/udp").poisson("5kpps")
  .traffic("batches", "web").to("postgres:5432").onOff({ rate: "1kpps", on: "100ms", off: "1.5s" })
  .container("late", { networks: ["front"] })
  .traffic("from-late", "late").to("web:80/tcp").request({ size: "1KiB", response: "64k", clients: 4, think: "10ms", timeout: "1m30s" });

// @ts-expect-error: a network that was not declared
shop.container("cache", { networks: ["bakc"] });
// @ts-expect-error: the same with options
shop.container("cache", { networks: { bakc: { ipv4: "172.21.0.11" } } });
// @ts-expect-error: an option that does not exist
shop.container("cache", { networks: { back: { ip: "172.21.0.11" } } });
// @ts-expect-error: a sender that was not declared
shop.traffic("queries", "wbe");
// @ts-expect-error: a sandbox of a container that was not declared
shop.container("cache", { networkMode: "container:wbe" });
// @ts-expect-error: a link to a container that was not declared
shop.container("cache", { links: ["bd"] });
// @ts-expect-error: not a port mapping
shop.container("cache", { publish: ["http:80"] });
// @ts-expect-error: no such protocol
shop.traffic("queries", "web").to("db:5432/tpc");
// @ts-expect-error: a rate without a unit
shop.traffic("queries", "web").to("db:5432").rate("200");
// @ts-expect-error: a duration without a unit
shop.network("wan", { link: { delay: "20" } });
// @ts-expect-error: properties need traffic first
shop.rate("100/s");
// @ts-expect-error: a generation that is not known
docker("shop", { docker: "19.03" });

// Loops: names that nobody can know before the program runs.
let ring = docker("ring").network("lan");
for (const name of names) ring = ring.container(name, { networks: ["lan"] });
for (const name of names) ring = ring.traffic(`from-${name}`, name).to(`${name}:9000/udp`).rate("50kpps").size(64);

let pairs = docker("pairs").network("lan");
for (let index = 0; index < 8; index++) {
  pairs = pairs
    .container(`a${index}`, { networks: ["lan"] })
    .container(`b${index}`, { networks: ["lan"] })
    .traffic(`bulk${index}`, `a${index}`).to(`b${index}:9000/tcp`).rate("2Gbit").size("64k");
}

let any: DockerTopology = docker("any");
for (const name of names) any = any.network(name).container(`in-${name}`, { networks: [name] });

/** Any description will do where the names do not matter. */
function take(topology: DockerTopology): void {
  topology.compile();
}
take(shop);
take(ring);
void compareEngines(shop, { for: "1s" });

lab.traffic("queries", "web").to("db:5432/tcp").rate("200Mbit").size(512).during("1s", "9s");
// @ts-expect-error: no such protocol
lab.traffic("queries", "web").to("db:5432/tpc");

shop.traffic("from-the-host", "host1").to("172.20.0.2:80/tcp").request();

docker("hosts").host("h1", { address: "192.0.2.11/24" }).host("h2", { cpus: 4 }).underlay({ rate: "10Gbit", delay: "50us", loss: 0.001, mtu: 1500 })
  .container("web", { host: "h2" })
  .traffic("in", "internet").to("h2:8080/tcp").request()
  .traffic("out", "h1").to("lan:80/tcp").rate("1kpps");
// @ts-expect-error: a host that was not declared
docker("hosts").host("h1").container("web", { host: "h2" });
// @ts-expect-error: neither a container nor a host nor a machine
docker("hosts").host("h1").container("web").traffic("in", "intranet");
