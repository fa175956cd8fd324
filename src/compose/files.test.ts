import { describe, expect, it } from "vitest";
import { loadCompose, type LoadOptions } from "./load";
import { formatNotice } from "./notice";
import type { ComposeProject } from "./project";

/** Loads `compose.yaml` of a set of files that stands for a file system. */
function load(files: Record<string, string>, options: LoadOptions = {}): ComposeProject {
  const file = Object.keys(files)[0] ?? "";
  return loadCompose({ file, text: files[file] ?? "" }, { readFile: (path) => files[path], ...options });
}

const names = (project: ComposeProject) => project.services.map((service) => service.name);
const service = (project: ComposeProject, name: string) => project.services.find((candidate) => candidate.name === name);
const portsOf = (project: ComposeProject, name: string) => service(project, name)?.ports.map((port) => port.target);

describe("overrides", () => {
  it("are merged in order over the first file", () => {
    const project = loadCompose(
      { file: "compose.yaml", text: "services: {web: {image: a, ports: ['8080:80'], networks: [front]}}\nnetworks: {front: }" },
      {
        overrides: [
          { file: "compose.override.yaml", text: "services:\n  web: {image: b, ports: ['9090:90']}" },
          { services: { web: { networks: ["back"] } }, networks: { back: null } },
        ],
      },
    );
    expect(project.files).toEqual(["compose.yaml", "compose.override.yaml"]);
    expect(service(project, "web")).toMatchObject({ image: "b", networks: [{ network: "back" }, { network: "front" }] });
    expect(portsOf(project, "web")).toEqual([80, 90]);
    expect(project.place("services", "web", "ports", 1).position).toEqual({ file: "compose.override.yaml", line: 2, column: 27 });
  });

  it("may reset and override", () => {
    const over = "services:\n  web: {ports: !override ['81'], networks: !reset null}\n  db: !reset null";
    const base = "services: {web: {image: a, ports: ['80'], networks: [n]}, db: {image: b}}\nnetworks: {n: }";
    const project = loadCompose({ file: "a", text: base }, { overrides: [{ file: "b", text: over }] });
    expect(names(project)).toEqual(["web"]);
    expect(portsOf(project, "web")).toEqual([81]);
    expect(service(project, "web")?.networks.map((attachment) => attachment.network)).toEqual(["default"]);
  });

  it("may be further documents of one file", () => {
    expect(portsOf(load({ f: "services: {web: {image: a, ports: ['80']}}\n---\nservices: {web: {ports: ['81']}}" }), "web")).toEqual([80, 81]);
  });
});

describe("extends", () => {
  it("merges a service of the same file, itself extended", () => {
    const project = load({
      "compose.yaml": [
        "services:",
        "  base: {image: base, environment: {A: 1, B: 1}, networks: [n], cap_add: [NET_ADMIN]}",
        "  middle: {extends: base, environment: {B: 2}, ports: ['80']}",
        "  web: {extends: {service: middle}, image: web, environment: [C=3], ports: ['81'], cap_add: [NET_ADMIN, SYS_TIME]}",
        "networks: {n: }",
      ].join("\n"),
    });
    expect(service(project, "web")).toMatchObject({
      image: "web", environment: { A: "1", B: "2", C: "3" }, networks: [{ network: "n" }], capAdd: ["NET_ADMIN", "SYS_TIME"],
    });
    expect(portsOf(project, "web")).toEqual([80, 81]);
    expect(portsOf(project, "base")).toEqual([]);
  });

  it("reads other files, each relative to the one that names it", () => {
    const project = load({
      "app/compose.yaml": "services:\n  web:\n    extends: {file: common/base.yaml, service: base}\n    ports: ['80']",
      "app/common/base.yaml": "services:\n  base: {extends: {file: ../root.yaml, service: root}, hostname: $NAME}\n  other: {ports: nonsense}\ninclude: [nowhere]",
      "app/root.yaml": "services:\n  root: {image: root}",
    }, { env: { NAME: "host" } });
    expect(service(project, "web")).toMatchObject({ image: "root", hostname: "host" });
    expect(project.files).toEqual(["app/compose.yaml", "app/common/base.yaml", "app/root.yaml"]);
  });

  it("points at the file that a mistake was inherited from", () => {
    const files = {
      "compose.yaml": "services:\n  web: {extends: {file: base.yaml, service: base}}",
      "base.yaml": "services:\n  base:\n    image: x\n    ports:\n      - 80:x",
    };
    expect(() => load(files)).toThrow('base.yaml:5:9: services.web.ports[0]: expected "[ip:][host:]container[/proto]", found "80:x"');
  });

  it("lets the extending service delete and replace", () => {
    const project = load({
      f: "services: {base: {image: a, ports: ['80'], dns: [1.1.1.1]}, web: {extends: base, ports: !reset [], dns: !override [8.8.8.8]}}",
    });
    expect(service(project, "web")).toMatchObject({ ports: [], dns: ["8.8.8.8"] });
  });

  it.each([
    ["services:\n  web:\n    extends: bse\n  base: {image: a}", `f:3:14: cannot extend service "web" in f: service "bse" not found, did you mean "base"?`],
    ["services:\n  web:\n    extends: {service: x, file: no.yaml}", `f:3:33: services.web.extends.file: expected a file, found nothing at "no.yaml"`],
    ["services:\n  web:\n    extends: {service: x, file: empty.yaml}", `f:3:33: cannot extend service "web" in empty.yaml: no services section`],
    ["services:\n  web:\n    extends: {servce: x}", `f:3:15: services.web.extends: additional property "servce" is not allowed, did you mean "service"?`],
    ["services:\n  web:\n    extends: {file: x}", `f:3:5: services.web.extends: expected the property "service", found none`],
    ["services:\n  web: {extends: web}", `f:2:18: circular reference: "web" in f extends "web" in f`],
    [
      "services:\n  a: {extends: b}\n  b: {extends: {file: f, service: c}}\n  c: {extends: a}",
      `f:2:16: circular reference: "a" in f extends "b" in f extends "c" in f extends "a" in f`,
    ],
    [
      "services:\n  a: {extends: {file: https://example.org/x.yaml, service: c}}",
      `f:2:23: services.a.extends.file: expected a local file, found "https://example.org/x.yaml"; remote files are not loaded`,
    ],
  ])("refuses %j", (text, message) => {
    expect(() => load({ f: text, "empty.yaml": "networks: {}" })).toThrow(message);
  });

  it("says that it cannot read files when it was given no way to", () => {
    expect(() => loadCompose({ file: "f", text: "services: {a: {extends: {file: x.yaml, service: c}}}" })).toThrow(
      `f:1:32: services.a.extends.file: expected a file, found no access to "x.yaml"; pass readFile`,
    );
  });
});

describe("include", () => {
  it("adds the services and networks of other files, with their own directory and variables", () => {
    const project = load({
      "compose.yaml": "include:\n  - team/compose.yaml\nservices:\n  web: {image: web, depends_on: [db]}",
      "team/compose.yaml": "services:\n  db: {image: 'db:$TAG', networks: [back]}\nnetworks: {back: {name: $NET}}\nvolumes: {v: }",
      "team/.env": "TAG=1\nNET=outer-wins",
      ".env": "NET=team-back",
    });
    expect(names(project)).toEqual(["web", "db"]);
    expect(service(project, "db")?.image).toBe("db:1");
    expect(project.networks.find((network) => network.key === "back")?.name).toBe("team-back");
    expect(service(project, "db")?.place.position).toEqual({ file: "team/compose.yaml", line: 2, column: 3 });
  });

  it("merges several paths, lets the including file have the last word, and takes a project directory", () => {
    const project = load({
      "compose.yaml": [
        "include:",
        "  - path: [team/a.yaml, team/b.yaml]",
        "    project_directory: other",
        "    env_file: vars.env",
        "services:",
        "  db: {ports: ['3'], networks: !reset null}",
      ].join("\n"),
      "team/a.yaml": "services: {db: {image: a, ports: ['1'], networks: [n], extends: {file: base.yaml, service: base}}}\nnetworks: {n: }",
      "team/b.yaml": "services: {db: {image: $B, ports: ['2']}}",
      "other/base.yaml": "services: {base: {hostname: base}}",
      "vars.env": "B=b",
    });
    expect(service(project, "db")).toMatchObject({ image: "b", hostname: "base", networks: [{ network: "default" }] });
    expect(portsOf(project, "db")).toEqual([1, 2, 3]);
  });

  it("may include again, and be extended by the including file", () => {
    const project = load({
      "compose.yaml": "include: [a/a.yaml]\nservices: {web: {extends: deep}}",
      "a/a.yaml": "include: [b/b.yaml]",
      "a/b/b.yaml": "services: {deep: {image: deep}}",
    });
    expect(service(project, "web")?.image).toBe("deep");
  });

  it("reports what of an included file has no effect", () => {
    const project = load({
      f: "include: [{path: g, env_file: no.env}]\nservices: {a: {image: a}}",
      g: "x-dockwire: {for: 1s}\nservices: {b: {image: b}}",
    });
    expect(project.dockwire).toBeUndefined();
    expect(project.notices.map(formatNotice)).toEqual([
      `f:1:31: include[0].env_file: found no file at "no.env", its variables are not set`,
      "g:1:1: x-dockwire: only the files given directly describe traffic, not an included one",
    ]);
  });

  it.each([
    ["include: [no.yaml]", `f:1:11: include[0]: expected a file, found nothing at "no.yaml"`],
    ["include:\n  - path: [g, no.yaml]", `f:2:15: include[0].path[1]: expected a file, found nothing at "no.yaml"`],
    ["include: no.yaml", `f:1:10: include: expected a list, found "no.yaml"`],
    ["include: [{paths: g}]", `f:1:12: include[0]: additional property "paths" is not allowed, did you mean "path"?`],
    ["include: [{env_file: x}]", `f:1:11: include[0]: expected the property "path", found none`],
    ["include: [loop]", "loop:1:11: include[0]: include cycle detected: f includes loop includes f"],
    ["include: [oci://example.org/x]", `f:1:11: include[0]: expected a local file, found "oci://example.org/x"; remote files are not loaded`],
  ])("refuses %j", (text, message) => {
    expect(() => load({ f: text, g: "services: {}", loop: "include: [f]" })).toThrow(message);
  });
});
