import { describe, expect, it } from "vitest";
import { mergeNodes, withoutResets } from "./merge";
import { plain, type ComposeNode } from "./node";
import { parseYaml } from "./yaml";

const parse = (text: string, file = "f.yaml"): ComposeNode => parseYaml({ file, text })[0] as ComposeNode;
const merge = (...texts: string[]): unknown => {
  const nodes = texts.map((text, index) => parse(text, `${index}.yaml`));
  return plain(withoutResets(nodes.reduce((base, over) => mergeNodes(base, over))));
};
const service = (...texts: string[]): unknown => {
  const merged = merge(...texts.map((text) => `services: {web: {${text}}}`)) as { services: { web: unknown } };
  return merged.services.web;
};

describe("mergeNodes", () => {
  it("merges mappings by key, appends lists, replaces scalars", () => {
    expect(merge("a: {b: 1, c: [1]}\nd: x", "a: {b: 2, c: [2], e: 3}\nd: y")).toEqual({ a: { b: 2, c: [1, 2], e: 3 }, d: "y" });
  });

  it("takes nothing for no change", () => {
    expect(merge("a: {b: 1}\nc: [1]\nd: x", "a:\nc:\nd:")).toEqual({ a: { b: 1 }, c: [1], d: "x" });
    expect(merge("a:", "a: {b: 1}")).toEqual({ a: { b: 1 } });
  });

  it("replaces commands whole", () => {
    expect(service("command: [a, b], entrypoint: a", "command: c, entrypoint: [d]")).toEqual({ command: "c", entrypoint: ["d"] });
    expect(service("healthcheck: {test: [CMD, a], retries: 3}", "healthcheck: {test: [CMD, b]}")).toEqual({
      healthcheck: { test: ["CMD", "b"], retries: 3 },
    });
  });

  it("joins lists and mappings of key=value", () => {
    expect(service("environment: {A: 1, B: 2}", "environment: {B: 3, C: null}")).toEqual({ environment: { A: 1, B: 3, C: null } });
    expect(service("environment: [A=1]", "environment: {A: 2, B: null}")).toEqual({ environment: ["A=1", "A=2", "B"] });
    expect(service("dns: 1.1.1.1", "dns: [8.8.8.8]")).toEqual({ dns: ["1.1.1.1", "8.8.8.8"] });
    expect(service("env_file: a.env", "env_file: [{path: b.env}]")).toEqual({ env_file: ["a.env", { path: "b.env" }] });
  });

  it("lets a key without a value replace one with a value", () => {
    expect(service("environment: {A: 1}", "environment: {A: }")).toEqual({ environment: { A: null } });
  });

  it("merges networks and dependencies of either form by name", () => {
    expect(service("networks: [a]", "networks: {b: {aliases: [x]}}")).toEqual({ networks: { a: null, b: { aliases: ["x"] } } });
    expect(service("networks: {a: {priority: 1}}", "networks: [a, b]")).toEqual({ networks: { a: { priority: 1 }, b: null } });
    expect(service("depends_on: {db: {condition: service_healthy, restart: true}}", "depends_on: [db, cache]")).toEqual({
      depends_on: {
        db: { condition: "service_started", restart: true, required: true },
        cache: { condition: "service_started", required: true },
      },
    });
  });

  it("adds extra hosts that are not there yet", () => {
    expect(service("extra_hosts: [a=1.1.1.1]", "extra_hosts: {a: 1.1.1.1, b: [2.2.2.2, 3.3.3.3]}")).toEqual({
      extra_hosts: ["a=1.1.1.1", "b=2.2.2.2", "b=3.3.3.3"],
    });
  });

  it("merges a build of either form", () => {
    expect(service("build: ./a", "build: {target: x}")).toEqual({ build: { context: "./a", target: "x" } });
    expect(service("build: {context: a, target: x}", "build: b")).toEqual({ build: { context: "b", target: "x" } });
  });

  it("merges options of a logging driver only with those of the same driver", () => {
    expect(service("logging: {driver: a, options: {x: 1}}", "logging: {options: {y: 2}}")).toEqual({ logging: { driver: "a", options: { x: 1, y: 2 } } });
    expect(service("logging: {driver: a, options: {x: 1}}", "logging: {driver: b}")).toEqual({ logging: { driver: "b" } });
  });

  it("merges address blocks of one subnet", () => {
    const block = (text: string) => `networks: {n: {ipam: {config: [${text}]}}}`;
    expect(merge(block("{subnet: a, gateway: g}, {subnet: b}"), block("{subnet: b, gateway: h}, {subnet: c}"))).toEqual({
      networks: { n: { ipam: { config: [{ subnet: "a", gateway: "g" }, { subnet: "b", gateway: "h" }, { subnet: "c" }] } } },
    });
  });

  it("deletes with !reset and replaces with !override", () => {
    expect(service("ports: [1], image: a, networks: {a: {}, b: {}}", "ports: !reset [], networks: {a: !reset null}")).toEqual({
      image: "a",
      networks: { b: {} },
    });
    expect(service("ports: [1], networks: {a: {}}", "ports: !override [2], networks: !override {b: {}}")).toEqual({ ports: [2], networks: { b: {} } });
    expect(service("image: a", "image: !reset b", "image: c")).toEqual({ image: "c" });
    expect(merge("services: {a: {}, b: {}}", "services: {a: !reset null}")).toEqual({ services: { b: {} } });
    expect(merge("a: [1, !reset 2]")).toEqual({ a: [1] });
  });

  it("keeps the place of every value in its own file", () => {
    const merged = mergeNodes(parse("a: {b: 1,\n c: 2}", "one"), parse("a: {c: 3}\nd: [4]", "two"));
    const a = merged.kind === "mapping" ? merged.entries.get("a")?.value : undefined;
    const entries = a?.kind === "mapping" ? [...a.entries].map(([key, { value }]) => [key, value.position?.file, value.position?.line]) : [];
    expect(entries).toEqual([["b", "one", 1], ["c", "two", 1]]);
  });

  it("refuses to override a list or mapping by something else", () => {
    expect(() => merge("a: {b: [1]}", "a: {b: x}")).toThrow("1.yaml:1:8: a.b: cannot override a list: expected a list, found \"x\"");
    expect(() => merge("a: {b: {}}", "a: {b: []}")).toThrow("1.yaml:1:8: a.b: cannot override a mapping: expected a mapping, found a list");
  });
});
