/** What the types of the fluent API cost a user's compiler. */
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Type instantiations that checking `body` takes beyond importing the API. */
function instantiations(body: string): number {
  const count = (text: string): number => {
    const file = `${ROOT}test/types/virtual.ts`;
    const options: ts.CompilerOptions = {
      strict: true, noEmit: true, target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler,
      lib: ["lib.es2022.d.ts", "lib.esnext.disposable.d.ts", "lib.dom.d.ts"], types: [], skipLibCheck: true,
    };
    const host = ts.createCompilerHost(options);
    const { getSourceFile, fileExists } = host;
    host.getSourceFile = (name, ...rest) => (name === file ? ts.createSourceFile(name, text, ts.ScriptTarget.ES2022) : getSourceFile(name, ...rest));
    host.fileExists = (name) => name === file || fileExists(name);
    const program = ts.createProgram([file, `${ROOT}src/types/assemblyscript.d.ts`], options, host);
    const problems = program.getSemanticDiagnostics(program.getSourceFile(file));
    expect(problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"))).toEqual([]);
    return program.getInstantiationCount();
  };
  const head = `import type { Docker } from "../../src/api/docker";\ndeclare const api: Docker;\n`;
  return count(`${head}${body}`) - count(`${head}export {};`);
}

function chainOf(containers: number): string {
  const names = Array.from({ length: containers }, (_, index) => `box${index}`);
  const networks = names.slice(0, 4).map((_, index) => `.network("net${index}")`);
  const calls = names.map((name, index) => `.container("${name}", { networks: ["net${index % 4}"], publish: ["${8000 + index}:80"] })`);
  const traffic = names.map((name, index) => `.traffic("flow${index}", "${name}").to("box0:80/tcp").rate("1kpps").size(64)`);
  return `api.docker("big")${[...networks, ...calls, ...traffic].join("\n")};`;
}

describe("the types of the fluent API", () => {
  it("cost a fixed amount for each call", { timeout: 120_000 }, () => {
    const [small, large] = [instantiations(chainOf(10)), instantiations(chainOf(40))];
    // 43 for a container and its traffic, once the methods are known.
    expect(small).toBeLessThan(1_000);
    expect((large - small) / 30).toBeLessThan(60);
  });
});
