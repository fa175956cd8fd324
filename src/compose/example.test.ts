import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { loadCompose } from "./load";

it("loads the example without a notice, on every kind of traffic but one in each way", () => {
  const file = fileURLToPath(new URL("../../examples/shop/compose.yaml", import.meta.url));
  const project = loadCompose({ file, text: readFileSync(file, "utf8") });
  expect(project.notices).toEqual([]);
  expect(project.services.flatMap((service) => service.containers.map((container) => container.name))).toEqual([
    "shop-proxy-1", "shop-web-1", "shop-web-2", "shop-api-1", "shop-db-1", "shop-cache-1",
  ]);
  expect(project.networks.map(({ name, internal }) => [name, internal])).toEqual([["shop_front", false], ["shop_back", true]]);
  expect(new Set(project.dockwire?.traffic.map((rule) => rule.kind))).toEqual(new Set(["request", "poisson", "onoff", "ping"]));
});
