import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** A folder beside which no `node_modules` lies, with the packed package and its dependencies installed as npm does it. */
export interface Consumer {
  readonly folder: string;
  /** The tarball, as `npm publish` would send it. */
  readonly tarball: string;
  /** What the tarball holds. */
  readonly files: readonly string[];
  /** Writes a file into the folder and returns its path. */
  write(name: string, text: string): string;
  /** Runs a program in the folder; rejects when it fails, with what it wrote. */
  run(program: string, ...args: string[]): Promise<string>;
  remove(): void;
}

/** What `npm pack --json` says of one package. */
interface Packed {
  readonly name: string;
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

/**
 * Packs the package and installs the tarball, with no network: the few dependencies are packed from `node_modules`.
 *
 * @example
 * const consumer = installPackage();
 * await consumer.run(process.execPath, consumer.write("main.mjs", `import "dockwire";`));
 */
export function installPackage(): Consumer {
  const folder = mkdtempSync(join(tmpdir(), "dockwire-consumer-"));
  const packages = join(folder, "packages");
  mkdirSync(packages);
  const npm = (cwd: string, ...args: string[]) => execFileSync("npm", [...args, "--ignore-scripts", "--loglevel=error"], { cwd, encoding: "utf8" });
  const sources = [".", "./node_modules/commander", "./node_modules/picocolors", "./node_modules/yaml"];
  const packed = JSON.parse(npm(ROOT, "pack", "--json", "--pack-destination", packages, ...sources)) as Packed[];
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "consumer", private: true }));
  npm(folder, "install", "--offline", "--no-audit", "--no-fund", ...readdirSync(packages).map((name) => `./packages/${name}`));
  const own = packed.find(({ name }) => name === "dockwire");
  if (own === undefined) throw new Error(`npm pack: expected dockwire, found ${packed.map(({ name }) => name).join(", ")}`);
  return {
    folder,
    tarball: join(packages, own.filename),
    files: own.files.map(({ path }) => path).sort(),
    write(name, text) {
      const file = join(folder, name);
      writeFileSync(file, text);
      return file;
    },
    async run(program, ...args) {
      const { stdout } = await promisify(execFile)(program, args, { cwd: folder, encoding: "utf8" });
      return stdout;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** The body of a program that simulates a little and leaves what it saw in `outcome`; `docker` must be in scope. */
export const SIMULATION = `
  const lab = await docker("demo")
    .network("front")
    .container("web", { networks: ["front"] })
    .container("db", { networks: ["front"] })
    .start({ seed: 7 });
  lab.traffic("queries", "web").to("db:5432/udp").rate("1Mbit").size(512);
  const { flows, digest } = await lab.run({ for: "100ms" });
  await lab.dispose();
  const outcome = JSON.stringify({ digest, delivered: flows[0].delivered });
`;
