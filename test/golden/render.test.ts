/** What `ip addr`, `ip route` and `bridge link` would show. `vitest -u` writes the files anew. */
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { DockerTopology } from "../../src/api/docker";
import type { DockerGeneration } from "../../src/api/spec";
import { docker } from "../support/docker";

const SITUATIONS: Readonly<Record<string, (generation: DockerGeneration) => DockerTopology>> = {
  "default-bridge": (generation) => docker("lone", { docker: generation }).container("web").container("db"),
  "two-networks-one-internal": (generation) =>
    docker("shop", { docker: generation })
      .network("front", { subnet: "172.20.0.0/24" })
      .network("back", { internal: true })
      .container("web", { networks: ["front", "back"] })
      .container("db", { networks: { back: { aliases: ["postgres"] } } }),
  "mtu-gateway-range": (generation) =>
    docker("jumbo", { docker: generation })
      .network("storage", { subnet: "10.40.0.0/16", gateway: "10.40.255.254", ipRange: "10.40.7.0/29", mtu: 9000, auxAddresses: { nas: "10.40.7.0" } })
      .container("one", { networks: ["storage"] })
      .container("two", { networks: { storage: { ipv4: "10.40.200.9", mac: "02:00:00:00:00:01" } } }),
  "modes-host-none-shared": (generation) =>
    docker("modes", { docker: generation })
      .network("front")
      .container("main", { networks: ["front"] })
      .container("side", { networkMode: "container:main" })
      .container("hosted", { networkMode: "host" })
      .container("alone", { networkMode: "none" }),
};

describe.each<DockerGeneration>(["20.10", "29"])("a network of Docker %s", (generation) => {
  it.each(Object.entries(SITUATIONS))("looks as recorded: %s", async (situation, describeIt) => {
    const file = fileURLToPath(new URL(`./ip.docker-${generation}.${situation}.txt`, import.meta.url));
    await expect(describeIt(generation).compile().render()).toMatchFileSnapshot(file);
  });
});
