import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { inlineWorkerEsbuild } from "../../scripts/inline-worker.mjs";

/** One file of this folder with everything it imports, as text: a classic script for a worker, or a module for a process of its own. */
export async function bundle(file: string, format: "iife" | "esm"): Promise<string> {
  const result = await build({
    entryPoints: [fileURLToPath(new URL(file, import.meta.url))],
    bundle: true,
    write: false,
    format,
    platform: "neutral",
    mainFields: ["module", "main"],
    external: ["node:*"],
    target: "es2022",
    logLevel: "silent",
    plugins: [inlineWorkerEsbuild()],
  });
  return result.outputFiles[0]!.text;
}
