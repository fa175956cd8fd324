import fc from "fast-check";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { SimulationError } from "../errors";
import { loadCompose, type LoadOptions } from "./load";
import { plain } from "./node";
import { formatNotice } from "./notice";

const load = (text: string, options: LoadOptions = {}) => loadCompose({ file: "compose.yaml", text }, options);
const WEB = "services: {web: {image: a}}";

describe("the project's name", () => {
  const name = (text: string, options: LoadOptions = {}) => load(text, options).name;

  it("is the caller's, the environment's, the file's, then the directory's", () => {
    const env = { COMPOSE_PROJECT_NAME: "from-env" };
    const options = { projectName: "given", env, workingDirectory: "/home/me/The Dir" };
    expect(name(`name: file\n${WEB}`, options)).toBe("given");
    expect(name(`name: file\n${WEB}`, { ...options, projectName: undefined } as LoadOptions)).toBe("from-env");
    expect(name(`name: file\n${WEB}`, { workingDirectory: "/home/me/The Dir" })).toBe("file");
    expect(name(WEB, { workingDirectory: "/home/me/The Dir" })).toBe("thedir");
    expect(name(WEB, { defaultProjectName: "_My.App" })).toBe("myapp");
    expect(name(WEB)).toBe("project");
    expect(loadCompose({ file: "apps/Shop/compose.yaml", text: WEB }).name).toBe("shop");
  });

  it("is normalised when it comes from the file, and may hold variables", () => {
    expect(name(`name: -My_App.2\n${WEB}`)).toBe("my_app2");
    expect(name(`name: \${N:-x}-y\n${WEB}`, { env: { N: "n" } })).toBe("n-y");
    expect(name(`name: first\n${WEB}\n---\nname: second`)).toBe("second");
  });

  it("is refused when given and malformed", () => {
    expect(() => name(WEB, { projectName: "My App" })).toThrow(
      'projectName: invalid project name "My App": must consist only of lowercase alphanumeric characters, hyphens, and underscores',
    );
  });

  it("names containers and networks, and is a variable", () => {
    const project = load("name: shop\nservices: {web: {image: a, hostname: '${COMPOSE_PROJECT_NAME}', scale: 2}}");
    expect(project.services[0]).toMatchObject({
      hostname: "shop",
      containers: [{ name: "shop-web-1", index: 1 }, { name: "shop-web-2", index: 2 }],
    });
    expect(project.networks).toMatchObject([{ key: "default", name: "shop_default", implicit: true, used: true }]);
  });
});

describe("variables", () => {
  const image = (options: LoadOptions) => load("services: {web: {image: '${TAG-none}'}}", options).services[0]?.image;

  it("come from the environment, then from .env of the directory", () => {
    const readFile = (path: string) => (path === "app/.env" ? "TAG=file" : undefined);
    expect(image({ readFile, workingDirectory: "app" })).toBe("file");
    expect(image({ readFile, workingDirectory: "app", env: { TAG: "env" } })).toBe("env");
    expect(image({ readFile, workingDirectory: "app", env: { TAG: undefined } })).toBe("file");
    expect(image({ readFile })).toBe("none");
  });

  it("come from the files given instead, the last one first", () => {
    const readFile = (path: string) => (path === "a.env" ? "TAG=a" : path === ".env" ? "TAG=default" : undefined);
    expect(image({ readFile, envFiles: ["a.env"] })).toBe("a");
    expect(image({ readFile, envFiles: ["a.env", { file: "b", text: "TAG=b-$TAG" }] })).toBe("b-a");
    expect(image({ readFile, envFiles: [] })).toBe("none");
    expect(() => image({ readFile, envFiles: ["no.env"] })).toThrow('envFiles: expected a file, found nothing at "no.env"');
  });

  it("get the type of their place", () => {
    const env = { N: "3", YES: "true", PORT: "8080", EMPTY: "" };
    const text = [
      "services:",
      "  web:",
      "    image: a",
      "    ports: ['$PORT:80', {target: $N, published: $PORT}]",
      "    privileged: $YES",
      "    deploy: {replicas: $N}",
      "    hostname: $EMPTY",
      "    networks: {n: {priority: 5, ipv4_address: $EMPTY}}",
      "networks: {n: {internal: $YES}}",
    ].join("\n");
    const project = load(text, { env });
    expect(project.services[0]).toMatchObject({ privileged: true, hostname: undefined, networks: [{ ipv4Address: undefined }] });
    expect(project.services[0]?.ports.map((port) => [port.published?.from, port.target])).toEqual([[8080, 80], [8080, 3]]);
    expect(project.services[0]?.containers).toHaveLength(3);
    expect(project.networks[0]?.internal).toBe(true);
    expect(() => load("services: {web: {image: a, scale: $X}}", { env: { X: "two" } })).toThrow(
      'compose.yaml:1:35: services.web.scale: expected a number, found "two"',
    );
  });
});

describe("profiles", () => {
  const text = "services: {web: {image: a}, seed: {image: b, profiles: [seed, dev]}, debug: {image: c, profiles: [debug]}}";
  const names = (options: LoadOptions) => load(text, options).services.map((service) => service.name);

  it("leave out what they do not enable", () => {
    expect(names({})).toEqual(["web"]);
    expect(names({ profiles: ["dev"] })).toEqual(["web", "seed"]);
    expect(names({ profiles: ["*"] })).toEqual(["web", "seed", "debug"]);
    expect(names({ env: { COMPOSE_PROFILES: "dev, debug" } })).toEqual(["web", "seed", "debug"]);
    expect(load(text).disabledServices).toEqual(["seed", "debug"]);
  });

  it("do not spare a disabled service the check of its keys", () => {
    expect(() => load("services: {web: {image: a}, x: {imag: b, profiles: [p]}}")).toThrow('services.x: additional property "imag"');
  });
});

describe("a plain object", () => {
  it("loads as the same text would", () => {
    const project = loadCompose({ services: { web: { image: "a:$TAG", ports: [8080, "81:80"] } }, networks: {} }, { env: { TAG: "1" } });
    expect(project.services[0]).toMatchObject({ image: "a:1", place: { path: "services.web" } });
    expect(project.files).toEqual([]);
    expect(project.place("services", "web", "ports", 1)).toEqual({ path: "services.web.ports[1]" });
  });

  it("has key paths in messages instead of lines", () => {
    expect(() => loadCompose({ services: { web: { image: "a", ports: ["80:abc"] } } })).toThrow(/^services\.web\.ports\[0\]: expected "\[ip:\]/);
    expect(() => loadCompose({ servces: {} })).toThrow(/^additional property "servces" is not allowed, did you mean "services"\?$/);
  });
});

describe("notices", () => {
  it("report each key that is known and not followed, once", () => {
    const project = load([
      "version: '3.8'",
      "services:",
      "  a: {image: a, cpus: 2, runtime: runsc}",
      "  b: {image: b, cpus: 1, volumes: [x:/y], command: z, healthcheck: {test: a}, logging: {driver: b}}",
      "  c: {provider: {type: model}}",
      "  d: {image: d, depends_on: [c], network_mode: host, ports: ['80']}",
      "  e: {}",
      "models: {m: {model: ai/x}}",
    ].join("\n"));
    expect(project.notices.map(formatNotice)).toEqual([
      "compose.yaml:1:1: version: the attribute `version` is obsolete, it will be ignored",
      "compose.yaml:8:1: models: language models are reached outside of the simulated networks and are left out",
      "compose.yaml:5:7: services.c.provider: is not run as a container, so the service is left out",
      "compose.yaml:3:26: services.a.runtime: a runtime with a network stack of its own is simulated as runc with the kernel's",
      "compose.yaml:3:17: services.a.cpus: limits the CPU, which does not slow the container's packets here (here and in 1 more place)",
      "compose.yaml:6:54: services.d.ports: published ports are discarded when using host network mode",
      "compose.yaml:7:3: services.e: has neither an image nor a build context, which Compose itself would refuse",
    ]);
    expect(project.services.map((service) => [service.name, service.dependsOn.length])).toEqual([["a", 0], ["b", 0], ["d", 0], ["e", 0]]);
  });

  it("name every unset variable", () => {
    const project = load("services:\n  web:\n    image: a:${TAG}\n    hostname: $NAME-$TAG\n");
    expect(project.notices.map(formatNotice)).toEqual([
      'compose.yaml:3:12: services.web.image: the "TAG" variable is not set, defaulting to a blank string',
      'compose.yaml:4:15: services.web.hostname: the "NAME" variable is not set, defaulting to a blank string',
      'compose.yaml:4:15: services.web.hostname: the "TAG" variable is not set, defaulting to a blank string',
    ]);
  });
});

describe("extensions", () => {
  it("are kept as they were written, with positions", () => {
    const project = load("services: {a: {image: a, x-own: 1}}\nx-one: {k: ['$V', 2]}\nx-two: text", { env: { V: "v" } });
    expect([...project.extensions].map(([key, node]) => [key, plain(node)])).toEqual([["x-one", { k: ["v", 2] }], ["x-two", "text"]]);
    expect(project.place("x-one", "k", 1).position).toEqual({ file: "compose.yaml", line: 2, column: 19 });
  });
});

describe("places", () => {
  const project = load("services:\n  a.b:\n    image: x\n    networks:\n      n: {ipv4_address: 10.0.0.5}\nnetworks: {n: }");

  it("are those of values, and of keys for what holds values", () => {
    const at = (...path: (string | number)[]) => {
      const { position } = project.place(...path);
      return `${position?.line}:${position?.column}`;
    };
    expect(at("services", "a.b", "networks", "n", "ipv4_address")).toBe("5:25");
    expect(at("services", "a.b", "networks", "n")).toBe("5:7");
    expect(at("services", "a.b")).toBe("2:3");
  });

  it("are those of the nearest holder for what is not there", () => {
    expect(project.place("services", "a.b", "networks", "n", "mac_address")).toEqual({
      path: "services.a.b.networks.n.mac_address",
      position: { file: "compose.yaml", line: 5, column: 7 },
    });
  });
});

it("throws errors with a code and a position", () => {
  try {
    load("services:\n  web:\n    image: a\n    networks: [bakc]\nnetworks: {back: }");
    expect.unreachable();
  } catch (error) {
    expect(error).toBeInstanceOf(SimulationError);
    expect(error).toMatchObject({
      code: "NOT_FOUND",
      message: 'compose.yaml:4:16: service "web" refers to undefined network "bakc", did you mean "back"?',
      details: { path: "services.web.networks[0]", position: { file: "compose.yaml", line: 4, column: 16 } },
    });
  }
});

describe("any input", () => {
  const example = readFileSync(fileURLToPath(new URL("../../examples/shop/compose.yaml", import.meta.url)), "utf8");

  /** Whether it loads; fails on anything but a `SimulationError` of one line. */
  function loads(act: () => unknown): boolean {
    try {
      act();
      return true;
    } catch (error) {
      if (!(error instanceof SimulationError)) throw error;
      expect(error.message).not.toContain("\n");
      return false;
    }
  }

  it("of damaged text loads or fails with a line and column", () => {
    const damage = fc.record({ at: fc.nat(example.length), cut: fc.nat(12), put: fc.string({ maxLength: 6, unit: fc.constantFrom(...":-{}[]&*!$\"' \n#a1,") }) });
    fc.assert(fc.property(damage, ({ at, cut, put }) => {
      const text = example.slice(0, at) + put + example.slice(at + cut);
      loads(() => {
        try {
          load(text);
        } catch (error) {
          expect(String(error)).toMatch(/compose\.yaml:\d+:\d+: /);
          throw error;
        }
      });
    }), { numRuns: 300 });
  });

  it("of plain data loads or fails with a key", () => {
    const value = fc.letrec((tie) => ({
      value: fc.oneof({ depthSize: "small" }, fc.constantFrom<unknown>("x", "80:80", "$A", "10.0.0.1", "", 5, 1.5, true, null), tie("list"), tie("map")),
      list: fc.array(tie("value"), { maxLength: 3 }),
      map: fc.dictionary(fc.constantFrom("web", "networks", "ports", "ipam", "config", "extends", "service", "x-a", "__proto__"), tie("value"), { maxKeys: 3 }),
    })).value;
    const key = fc.constantFrom("networks", "ports", "depends_on", "deploy", "extends", "environment", "links", "dns", "scale", "extra_hosts");
    fc.assert(fc.property(fc.dictionary(key, value), value, value, (service, networks, dockwire) => {
      loads(() => loadCompose({ services: { web: { image: "a", ...service } }, networks, "x-dockwire": dockwire }));
    }), { numRuns: 500 });
  });
});
