/** Several hosts: a swarm with an overlay network, services behind virtual addresses, and ports that every node has. */
import { swarm } from "dockwire";

const prod = swarm("prod", { docker: "20.10" })
  .node("m1")
  .node("w1")
  .node("w2", { address: "198.18.0.11/24" }) // at another site, behind the router
  .underlay({ rate: "10Gbit", delay: "50us", router: { rate: "1Gbit", delay: "2ms" } })
  .overlay("back", { attachable: true })
  .service("web", { replicas: 3, networks: ["back"], publish: ["8080:80"] })
  .service("cache", { mode: "global", networks: ["back"], endpointMode: "dnsrr" })
  .container("client", { node: "w1", networks: ["back"] })
  .traffic("pages", "lan")
  .to("m1:8080")
  .exchange({ clients: 3, response: "4k" })
  .traffic("queries", "client")
  .to("tasks.cache:6379")
  .request({ clients: 3 });

await using lab = await prod.start({ seed: 7 });
const ask = async (from: string, to: string) => console.log(String(await lab.reach(from, to)).split("\n")[0]);

await ask("client", "web:80"); // a virtual address: the load balancer of w1 chooses a task
await ask("client", "web.1:80"); // one task
await ask("lan", "w2:8080"); // the routing mesh: any node's port reaches any task

const { traffic } = await lab.run({ for: "2s" });
for (const { name, answered, latency } of traffic) console.log(`${name}: ${answered} answers, half of them within ${((latency?.p50 ?? 0) / 1e6).toFixed(1)} ms`);

console.log((await lab.docker("service ps web --format '{{.Name}} on {{.Node}}'")).stdout);
await lab.docker("service scale --detach web=1");
console.log((await lab.docker("node ls --format '{{.Hostname}} {{.Status}} {{.ManagerStatus}}'")).stdout);
await ask("lan", "w2:8080");

const refused = await lab.docker("network create --driver overlay late", { host: "w1" });
console.log(`exit ${refused.exit}: ${refused.stderr.trim()}`);
