/**
 * Two containers on the default bridge, as after two `docker run`s. One pings the other.
 *
 * npm run example -- 01
 */
import { docker } from "dockwire";

// A description is a value: each call returns a new one, and nothing runs yet.
const network = docker("hello").network("lan").container("web", { networks: ["lan"] }).container("db", { networks: ["lan"] });

// What Docker would have decided: addresses, MACs, devices.
for (const { name, networks } of network.compile().describe().containers) {
  for (const { interfaceName, ipv4, mac } of networks) console.log(`${name.padEnd(4)} ${interfaceName}  ${ipv4}  ${mac}`);
}

// Time passes only when asked for, so this prints the same on every machine.
await using lab = await network.start({ seed: 1 });
console.log();
console.log(String(await lab.ping("web", "db", { count: 3 })));
