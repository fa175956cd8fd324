/** A network that changes while its traffic goes on: connect, stop, start, rules, and any docker command. */
import { docker } from "dockwire";

const shop = docker("shop")
  .host("host1")
  .network("front")
  .network("back")
  .container("web", { networks: ["front"], publish: ["8080:80"] })
  .container("db", { networks: ["back"] })
  .traffic("visits", "lan")
  .to("host1:8080")
  .request({ clients: 4 });

await using lab = await shop.start({ seed: 7 });
const visits = async (what: string) => {
  const before = (await lab.counters()).traffic[0]?.answered ?? 0;
  const { traffic, now } = await lab.run({ for: "1s" });
  console.log(`${(now / 1e9).toFixed(0)} s  ${what.padEnd(34)} ${(traffic[0]?.answered ?? 0) - before} answers`);
};

await visits("undisturbed");

await lab.stop("web");
await visits("web is stopped");

await lab.start("web");
await lab.run({ for: "5s" }); // the clients notice, and connect again
await visits("web runs again");

await lab.iptables("-I DOCKER-USER -s 192.0.2.50 -j DROP");
await visits("a rule keeps the LAN out");

await lab.iptables("-D DOCKER-USER -s 192.0.2.50 -j DROP");
console.log(`web reaches db: ${(await lab.reach("web", "db:5432")).reachable}`);
console.log(await lab.docker("network connect --ip 172.19.0.9 back web"));
console.log(String(await lab.reach("web", "db:5432")).split("\n")[0]);

const refused = await lab.docker("network rm back");
console.log(`exit ${refused.exit}: ${refused.stderr.split("\n")[0]}`);
console.log((await lab.docker("ps --format '{{.Names}}  {{.Ports}}'")).stdout);
