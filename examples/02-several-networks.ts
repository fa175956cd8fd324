/**
 * Several networks: a container may join more than one, names resolve only where a network is shared, and an internal network
 * gives no default route.
 *
 * npm run example -- 02
 */
import { docker, SimulationError } from "dockwire";

const shop = docker("shop")
  .network("front", { subnet: "172.20.0.0/24" })
  .network("back", { subnet: "172.21.0.0/16", internal: true })
  .container("db", { networks: { back: { ipv4: "172.21.0.10", aliases: ["postgres"] } } })
  .container("web", { networks: ["front", "back"], publish: ["8080:80/tcp"] })
  .container("cache", { networks: ["front"] });

// `ip addr` and `ip route` of every namespace, before anything has run.
const sections = shop.compile().render().split("\n\n");
console.log(`${sections.filter((section) => section.startsWith("# web")).join("\n\n")}\n`);

await using lab = await shop.start({ seed: 2 });
console.log(`${await lab.ping("web", "postgres")}\n`);

try {
  await lab.ping("cache", "db");
} catch (error) {
  if (!(error instanceof SimulationError)) throw error;
  console.log(`cache cannot even find db (${error.code}): ${error.message}`);
}
