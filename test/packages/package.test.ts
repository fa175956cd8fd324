/** The package as a stranger gets it: packed, installed elsewhere, and used from Node, bundlers, TypeScript and a browser. */
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Script } from "node:vm";
import * as esbuild from "esbuild";
import { chromium } from "playwright";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import * as vite from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { coreSize } from "../../scripts/core-size.mjs";
import { type Consumer, ROOT, SIMULATION, installPackage } from "./consumer";

let consumer: Consumer;
let nodeOutcome: string;

beforeAll(async () => {
  consumer = installPackage();
  const program = consumer.write("main.mjs", `import { docker } from "dockwire";\n${SIMULATION}\nconsole.log(outcome);`);
  nodeOutcome = (await consumer.run(process.execPath, program)).trim();
});
afterAll(() => consumer?.remove());

const installed = (path: string) => join(consumer.folder, "node_modules/dockwire", path);

describe("the tarball", () => {
  it("holds the build, the licence and the words about it, and nothing else", () => {
    expect(consumer.files).toEqual(expect.arrayContaining(["LICENSE", "README.md", "package.json"]));
    expect(consumer.files.filter((file) => !/^(dist\/[\w.-]+\.(c?js|d\.c?ts|wasm)|LICENSE|README\.md|package\.json)$/.test(file))).toEqual([]);
  });

  it("pleases publint", async () => {
    const { messages } = await publint({ pkgDir: installed(""), strict: true, pack: false });
    const manifest = JSON.parse(readFileSync(installed("package.json"), "utf8")) as Record<string, unknown>;
    expect(messages.map((message) => formatMessage(message, manifest, { color: false }))).toEqual([]);
  });

  it("has types that every module resolution finds (attw)", async () => {
    const attw = join(ROOT, "node_modules/@arethetypeswrong/cli/dist/index.js");
    const outcome = await consumer
      .run(process.execPath, attw, consumer.tarball, "--format", "json", "--exclude-entrypoints", "./worker", "./core.wasm")
      .catch((error: { stdout: string }) => error.stdout);
    expect((JSON.parse(outcome) as { problems?: unknown }).problems).toEqual({});
  });
});

describe("in Node", () => {
  it("simulates from an ES module", () => {
    expect((JSON.parse(nodeOutcome) as { delivered: number }).delivered).toBeGreaterThan(0);
  });

  it("is read in three files: each costs time before the first packet", () => {
    const found = new Set(["index.js"]);
    for (const name of found) for (const [, next = ""] of readFileSync(installed(`dist/${name}`), "utf8").matchAll(/(?:from|import)\s*"\.\/([\w.-]+\.js)"/g)) found.add(next);
    expect([...found].sort()).toEqual(["core.js", "index.js", "node.js"]);
  });

  it("shows a mistake that nobody catches without half of the package before it", async () => {
    const program = consumer.write("mistake.mjs", `import { docker } from "dockwire";\ndocker("x").host("h", { no: 1 });`);
    const { stderr } = await consumer.run(process.execPath, program).then(() => ({ stderr: "" }), (error: { stderr: string }) => error);
    expect(stderr).toContain('host h: there is no option "no"');
    expect(stderr.length).toBeLessThan(2000);
  });

  it("simulates from CommonJS, with the same digest", async () => {
    const program = consumer.write("main.cjs", `const { docker } = require("dockwire");\n(async () => {${SIMULATION}\nconsole.log(outcome);})();`);
    expect((await consumer.run(process.execPath, program)).trim()).toBe(nodeOutcome);
  });

  it.each(["mjs", "cjs"])("has one SimulationError for all its entries (%s)", async (extension) => {
    const names = (name: string, from: string) => (extension === "mjs" ? `import { ${name} } from "${from}";` : `const { ${name} } = require("${from}");`);
    const program = `${names("SimulationError", "dockwire")}\n${names("compose", "dockwire/compose")}
      try { compose("services: ["); } catch (error) { console.log(error instanceof SimulationError, error.code); }`;
    expect((await consumer.run(process.execPath, consumer.write(`error.${extension}`, program))).trim()).toBe("true INVALID_INPUT");
  });

  it("installs a command that explains itself", async () => {
    expect(await consumer.run(join(consumer.folder, "node_modules/.bin/dockwire"), "--help")).toContain("dockwire run");
  });

  it("offers the worker as one classic script and the engine as a Wasm file", () => {
    const require = createRequire(join(consumer.folder, "main.cjs"));
    const worker = readFileSync(require.resolve("dockwire/worker"), "utf8");
    expect(() => new Script(worker)).not.toThrow();
    expect(worker).not.toMatch(/\brequire\(/);
    expect(WebAssembly.validate(readFileSync(require.resolve("dockwire/core.wasm")))).toBe(true);
  });
});

describe("in TypeScript", () => {
  const compiler = join(ROOT, "node_modules/typescript/bin/tsc");
  const options = ["--noEmit", "--strict", "--target", "es2022", "--lib", "es2022,esnext.disposable,dom"];
  /** What the compiler has to say, in a setting where nothing but the package is installed. */
  const tsc = (file: string, module: string, moduleResolution: string) =>
    consumer
      .run(process.execPath, compiler, file, ...options, "--module", module, "--moduleResolution", moduleResolution)
      .catch((error: { stdout: string }) => error.stdout);

  it.each([
    ["esnext", "bundler"],
    ["node16", "node16"],
  ])("type-checks a program, declarations included (module %s, resolution %s)", async (module, moduleResolution) => {
    const imports = `import { docker } from "dockwire";\nimport { compose } from "dockwire/compose";`;
    const file = consumer.write("main.mts", `${imports}\n${SIMULATION}\nexport { compose, outcome };`);
    expect(await tsc(file, module, moduleResolution)).toBe("");
  });

  it("refuses a network that was never declared", async () => {
    const program = `docker("demo").network("front").container("web", { networks: ["frnt"] });`;
    const file = consumer.write("wrong.mts", `import { docker } from "dockwire";\n${program}`);
    expect(await tsc(file, "node16", "node16")).toMatch(/^wrong\.mts\(2,\d+\): error .*"frnt"/);
  });
});

describe("the core", () => {
  const bundle = (platform: "browser" | "node") =>
    esbuild.build({
      stdin: { contents: `export * from "dockwire";`, resolveDir: consumer.folder, sourcefile: "core.mjs" },
      absWorkingDir: consumer.folder,
      bundle: true,
      minify: true,
      write: false,
      metafile: true,
      format: "esm",
      platform,
      logLevel: "silent",
    });

  it.each(["browser", "node"] as const)("needs no other package and no built-in module (%s)", async (platform) => {
    const { metafile, warnings } = await bundle(platform);
    const elsewhere = Object.entries(metafile.inputs).flatMap(([file, { imports }]) => [file, ...imports.map(({ path }) => path)]);
    expect(elsewhere.filter((path) => path !== "core.mjs" && !path.startsWith("node_modules/dockwire/dist/"))).toEqual([]);
    expect(warnings).toEqual([]);
  });

  it("compiles at once what Node can, in a bundle too", async () => {
    const program = `import { docker } from "dockwire";
      console.log(docker("old", { docker: "20.10", rules: "-A INPUT -j DROP" }).container("web").compile().spec.generation);`;
    const stdin = { contents: program, resolveDir: consumer.folder, sourcefile: "old.mjs" };
    const { outputFiles } = await esbuild.build({ stdin, absWorkingDir: consumer.folder, bundle: true, write: false, format: "esm", platform: "node", logLevel: "silent" });
    expect((await consumer.run(process.execPath, consumer.write("old.mjs", outputFiles[0]!.text))).trim()).toBe("20.10");
  });

  it("stays under 150 kB gzipped, with the Wasm and the worker", async () => {
    expect(await coreSize(consumer.folder)).toBeLessThan(150_000);
  });
});

describe("in a browser", () => {
  const executablePath = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser"].find((file) => file !== undefined && existsSync(file));
  const demanded = process.env.CI === "true" || process.env.DOCKWIRE_REQUIRE_BROWSER === "1";
  if (executablePath === undefined) console.warn("package tests in a browser are left out: no Chromium at /usr/bin/chromium or where CHROMIUM points");

  /** The simulation as a module that leaves its outcome in the page's title. */
  const writePage = () =>
    consumer.write(
      "page.mjs",
      `import { docker } from "dockwire";
      async function simulate() {${SIMULATION} return outcome; }
      simulate().then((text) => { document.title = text; }, (error) => { document.title = String(error); });`,
    );

  /** The scripts by name; the first is the page's. */
  const bundlers: Record<string, (entry: string) => Promise<readonly (readonly [string, string])[]>> = {
    async esbuild(entry) {
      const options = { bundle: true, write: false, format: "esm", absWorkingDir: consumer.folder, logLevel: "silent" } as const;
      const { outputFiles } = await esbuild.build({ entryPoints: [entry], ...options });
      return outputFiles.map(({ text }) => ["page.js", text]);
    },
    async Vite(entry) {
      const lib = { entry, formats: ["es" as const] };
      const rollupOptions = { onwarn: (warning: { message: string }) => expect.fail(warning.message) };
      const built = await vite.build({ root: consumer.folder, configFile: false, logLevel: "silent", build: { write: false, lib, rollupOptions } });
      const [result] = [built].flat() as { output: { fileName: string; code?: string }[] }[];
      return (result?.output ?? []).map(({ fileName, code = "" }) => [fileName, code]);
    },
  };

  it.skipIf(executablePath === undefined && !demanded).each(Object.keys(bundlers))("simulates after %s, with the same digest as in Node", async (name) => {
    const scripts = (await bundlers[name]?.(writePage())) ?? [];
    const page = `<!doctype html><script type="module" src="/${scripts[0]?.[0]}"></script>`;
    const server = createServer(({ url }, response) => {
      const script = scripts.find(([file]) => url === `/${file}`)?.[1];
      const [type, body] = script === undefined ? ["text/html", page] : ["text/javascript", script];
      response.setHeader("content-type", type ?? "").end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--disable-quic"] });
    try {
      const tab = await browser.newPage();
      await tab.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      await tab.waitForFunction(`document.title !== ""`, undefined, { timeout: 90_000 });
      expect(await tab.title()).toBe(nodeOutcome);
    } finally {
      await browser.close();
      server.close();
    }
  });
});
