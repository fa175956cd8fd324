/** The habits of this code base that no compiler checks. Each failure names the file and what was expected of it. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { posix } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SELF = "test/tidy.test.ts";
const ENTRIES = ["assembly/index.ts", "assembly/crypto/gcm.ts", "src/targets/node.ts", "src/targets/browser.ts", "src/compose/index.ts", "src/report/index.ts", "src/cli/index.ts"];

/** Every file that is in git or could be added, relative to the root. */
const FILES = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: ROOT, encoding: "utf8" })
  .split("\0")
  .filter((file) => file !== "" && existsSync(ROOT + file))
  .sort();

const read = (file: string) => readFileSync(ROOT + file, "utf8");
const under = (folder: string) => FILES.filter((file) => file.startsWith(`${folder}/`) && isCode(file));
const isTest = (file: string) => file.endsWith(".test.ts");
const isCode = (file: string) => /\.(ts|mjs|cjs|js)$/.test(file);

const trees = new Map<string, ts.SourceFile>();
function parse(file: string): ts.SourceFile {
  const tree = trees.get(file) ?? ts.createSourceFile(file, read(file), ts.ScriptTarget.ESNext, true);
  trees.set(file, tree);
  return tree;
}

interface Import {
  readonly target: string;
  readonly typeOnly: boolean;
}

/** What a file imports, re-exports, or loads by `import()`; local targets as paths from the root. */
function importsOf(file: string): Import[] {
  const found: Import[] = [];
  const add = (specifier: ts.Node | undefined, typeOnly: boolean) => {
    if (specifier !== undefined && ts.isStringLiteralLike(specifier)) found.push({ target: resolveImport(file, specifier.text), typeOnly });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword);
    if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly);
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true);
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) add(node.arguments[0], false);
    ts.forEachChild(node, visit);
  };
  visit(parse(file));
  return found;
}

function resolveImport(file: string, specifier: string): string {
  const worker = /^inline-worker:(.*)$/.exec(specifier)?.[1];
  if (worker !== undefined) return `src/worker/${worker}.ts`;
  if (specifier === "dockwire") return "src/targets/node.ts";
  if (specifier === "dockwire/compose") return "src/compose/index.ts";
  if (specifier === "dockwire/report") return "src/report/index.ts";
  if (!specifier.startsWith(".")) return specifier;
  const path = posix.join(posix.dirname(file), specifier.replace(/\?.*$/, ""));
  return [path, `${path}.ts`, `${path}/index.ts`].find((candidate) => FILES.includes(candidate)) ?? path;
}

/** Every `a.b` and `new A` in the code proper, as text: comments and strings may speak of what code may not do. */
function usesOf(file: string): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAccessExpression(node)) found.push(node.getText());
    if (ts.isNewExpression(node)) found.push(`new ${node.expression.getText()}`);
    ts.forEachChild(node, visit);
  };
  visit(parse(file));
  return found;
}

describe("import directions", () => {
  const LEAVES = ["net", "errors"];
  /** Which parts of src a part may import; `assembly/abi` is open to all of them. */
  const MAY_IMPORT: Record<string, readonly string[]> = {
    errors: [],
    net: ["net", "errors"],
    model: ["model", ...LEAVES],
    engine: ["engine", ...LEAVES],
    "engine/ts": ["engine/ts", "engine", ...LEAVES],
    "engine/wasm": ["engine/wasm", "engine", ...LEAVES],
    compile: ["compile", "model", "engine", ...LEAVES],
    observe: ["observe", "engine", ...LEAVES],
    report: ["report", "observe", "engine", ...LEAVES],
    client: ["client", "model", ...LEAVES],
    programs: ["programs", "client", "model", ...LEAVES],
    worker: ["worker", "engine", "engine/ts", "engine/wasm", ...LEAVES],
    // The client and the programs are loaded when a lab is first asked for a docker command.
    api: ["api", "client", "programs", "model", "compile", "engine", "observe", "report", ...LEAVES],
    index: ["api", "engine", "observe", "report", ...LEAVES],
    targets: ["targets", "index", "api", "worker", "engine", "engine/ts", "engine/wasm", "observe", "report", ...LEAVES],
    // A front door like the command: its descriptions can be started.
    compose: ["compose", "targets", "api", ...LEAVES],
    cli: ["cli", "targets", "compose", "observe", "report", ...LEAVES],
  };
  /** Which packages a part may import. The core needs none at run time: comlink is bundled. */
  const MAY_USE: Record<string, RegExp> = {
    client: /^@noble\/(curves\/nist|hashes\/(legacy|sha2))\.js$/,
    "engine/ts": /^@noble\/ciphers\/aes\.js$/,
    worker: /^comlink$/,
    compose: /^yaml$/,
    cli: /^(commander|picocolors|yaml|node:.*)$/,
  };
  const sources = under("src").filter((file) => !isTest(file) && !file.endsWith(".d.ts"));

  function partOf(file: string): string {
    const [, first = "", second = "", third] = file.split("/");
    return first === "engine" && third !== undefined ? `engine/${second}` : first.replace(/\.ts$/, "");
  }

  it("holds in src: a file imports only what its folder may", { timeout: 120_000 }, () => {
    const wrong = sources.flatMap((file) => {
      const part = partOf(file);
      const allowed = MAY_IMPORT[part];
      if (allowed === undefined) return `${file}: expected one of the folders ${Object.keys(MAY_IMPORT).join(", ")}`;
      return importsOf(file)
        .filter(({ target, typeOnly }) => {
          if (target.startsWith("assembly/")) return !target.startsWith("assembly/abi/");
          if (target.startsWith("src/")) return !allowed.includes(partOf(target));
          return !typeOnly && !MAY_USE[part]?.test(target);
        })
        .map(({ target }) => `${file} imports ${target}`);
    });
    expect(wrong).toEqual([]);
  });

  it("holds in assembly: it imports nothing outside itself", () => {
    const imports = under("assembly").flatMap((file) => importsOf(file).map(({ target }) => ({ file, target })));
    expect(imports.filter(({ target }) => !target.startsWith("assembly/"))).toEqual([]);
  });
});

describe("the contract between the two engines", () => {
  it("has a TypeScript twin for every node of the Wasm engine, and the reverse", () => {
    const nodes = (folder: string) =>
      under(folder)
        .filter((file) => !isTest(file))
        .map((file) => file.slice(folder.length + 1));
    const bothEnginesAreThere = FILES.includes("assembly/index.ts") && under("src/engine/ts").length > 0;
    if (bothEnginesAreThere) expect(nodes("src/engine/ts/nodes")).toEqual(nodes("assembly/nodes"));
  });

  it("is written in the language that asc and tsc share", () => {
    const foreign = under("assembly/abi").flatMap((file) => {
      const source = parse(file);
      const lineOf = (node: ts.Node) => source.getLineAndCharacterOfPosition(node.getStart()).line + 1;
      const imports = importsOf(file).filter(({ target }) => !target.startsWith("assembly/abi/"));
      return [
        ...source.statements.filter((statement) => !isShared(statement)).map((node) => `${file}:${lineOf(node)}: ${node.getText().slice(0, 60)}`),
        ...imports.map(({ target }) => `${file} imports ${target}`),
      ];
    });
    expect(foreign).toEqual([]);
  });
});

/** `export const NAME: i32 = constant`, `export enum`, `export type` and imports: nothing else means the same to both compilers. */
function isShared(statement: ts.Statement): boolean {
  if (ts.isImportDeclaration(statement)) return true;
  const modifiers = ts.canHaveModifiers(statement) ? ts.getModifiers(statement) : undefined;
  if (modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) !== true) return false;
  if (ts.isTypeAliasDeclaration(statement)) return true;
  if (ts.isEnumDeclaration(statement)) return statement.members.every(({ initializer }) => initializer === undefined || isConstant(initializer));
  if (!ts.isVariableStatement(statement) || (statement.declarationList.flags & ts.NodeFlags.Const) === 0) return false;
  return statement.declarationList.declarations.every(
    ({ type, initializer }) => /^(i8|i16|i32|u8|u16|u32|f64)$/.test(type?.getText() ?? "") && initializer !== undefined && isConstant(initializer),
  );
}

function isConstant(node: ts.Expression): boolean {
  if (ts.isNumericLiteral(node) || ts.isIdentifier(node)) return true;
  if (ts.isParenthesizedExpression(node)) return isConstant(node.expression);
  if (ts.isPrefixUnaryExpression(node)) return isConstant(node.operand);
  if (ts.isBinaryExpression(node)) return isConstant(node.left) && isConstant(node.right);
  return ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression);
}

describe("determinism", () => {
  const CHANCE = /^(Date\.now|new Date|performance\.now|Math\.random|crypto\.getRandomValues|process\.hrtime)$/;
  /** ECMAScript §21.3.2 leaves the last bits of these to the implementation; sqrt is exact everywhere. */
  const INEXACT = /^Math\.(a?(sin|cos|tan)h?|atan2|exp|expm1|log|log10|log1p|log2|pow|cbrt|hypot)$/;
  const sources = ["assembly", "src/engine", "src/model", "src/compile", "src/net"].flatMap(under).filter((file) => !isTest(file));

  it("is not put at risk: no wall clock, no chance of its own, no inexact function", () => {
    const risky = (use: string) => CHANCE.test(use) || INEXACT.test(use);
    expect(sources.flatMap((file) => usesOf(file).filter(risky).map((use) => `${file}: ${use}`))).toEqual([]);
  });
});

describe("the tree", () => {
  const TEXT = /\.(ts|mjs|cjs|js|json|md|ya?ml|html|css|sh)$|(^|\/)run$/;
  const text = FILES.filter((file) => file !== SELF && file !== "package-lock.json" && TEXT.test(file));

  it("has no notes to self", () => {
    expect(text.filter((file) => /\b(TODO|FIXME|XXX)\b/.test(read(file)))).toEqual([]);
  });

  it("names no path of one machine", () => {
    const places = [ROOT.slice(0, -1), homedir()].filter((place) => place.length > 1).map((place) => `${place}/`);
    const machine = /(^|[\s"'`(=:])(\/(work|Users)\/\w|\/root\/|[A-Z]:\\\\\w)/m;
    expect(text.filter((file) => machine.test(read(file)) || places.some((place) => read(file).includes(place)))).toEqual([]);
  });

  it("has no file of more than 512 kB beside the lockfile", () => {
    expect(FILES.filter((file) => file !== "package-lock.json" && statSync(ROOT + file).size > 512 * 1024)).toEqual([]);
  });

  it("has no file in src and assembly that nothing reaches", () => {
    if (!ENTRIES.every((entry) => FILES.includes(entry))) return;
    const roots = [...ENTRIES, ...FILES.filter(isTest), ...["test", "bench", "examples", "scripts"].flatMap(under)];
    const reached = new Set<string>();
    const visit = (file: string): void => {
      if (reached.has(file) || !FILES.includes(file) || !isCode(file)) return;
      reached.add(file);
      for (const { target } of importsOf(file)) visit(target);
    };
    for (const root of roots) visit(root);
    const sources = [...under("src"), ...under("assembly")].filter((file) => !file.endsWith(".d.ts"));
    expect(sources.filter((file) => !reached.has(file))).toEqual([]);
  });
});

describe("dependencies", () => {
  type Named = Record<string, string>;
  const manifest = JSON.parse(read("package.json")) as { dependencies: Named; devDependencies: Named };
  const { packages } = JSON.parse(read("package-lock.json")) as {
    packages: Record<string, { resolved?: string; dependencies?: Named; optionalDependencies?: Named }>;
  };

  it("are installed exactly as pinned", () => {
    // npm takes an older major without a word where the newest does not support this Node.
    const pinned = { ...manifest.dependencies, ...manifest.devDependencies };
    const installed = Object.keys(pinned).map((name) => [name, (JSON.parse(read(`node_modules/${name}/package.json`)) as { version: string }).version]);
    expect(Object.fromEntries(installed)).toEqual(pinned);
  });

  it("come from the public registry, wherever the lockfile names a place", () => {
    const places = Object.values(packages).flatMap(({ resolved }) => resolved ?? []);
    expect(places.filter((place) => !place.startsWith("https://registry.npmjs.org/"))).toEqual([]);
  });

  it("are all in the lockfile, for every platform", () => {
    const locked = new Set(Object.keys(packages).map((path) => path.replace(/^.*node_modules\//, "")));
    const wanted = Object.values(packages).flatMap((entry) => Object.keys({ ...entry.dependencies, ...entry.optionalDependencies }));
    expect(wanted.filter((name) => !locked.has(name))).toEqual([]);
  });
});
