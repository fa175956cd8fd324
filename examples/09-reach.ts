/** Who reaches whom, and what decides it: names, published ports, rules of the host's user. */
import { docker } from "dockwire";

const shop = docker("shop", { rules: "-I DOCKER-USER -s 198.51.100.0/24 -j DROP" })
  .host("host1")
  .network("front")
  .network("back")
  .container("web", { networks: ["front"], publish: ["8080:80", "127.0.0.1:9000:90"] })
  .container("api", { networks: ["front", "back"] })
  .container("db", { networks: ["back"] });

await using lab = await shop.start({ seed: 7 });

for (const [from, to] of [
  ["api", "db:5432"],
  ["web", "db:5432"], // they share no network
  ["lan", "host1:8080"], // a machine beside the host
  ["internet", "host1:8080"], // the rule above
  ["lan", "host1:9000"], // published for the host alone
  ["host1", "127.0.0.1:9000"],
] as const) {
  const verdict = await lab.reach(from, to, { timeout: "1s" });
  console.log(String(verdict).split("\n")[0]);
}

const { packets } = await lab.reach("lan", "host1:8080");
console.log(`\n${String(packets[0])}`);
