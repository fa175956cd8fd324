import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Why a test that needs tshark does not run. */
export const NO_TSHARK = "tshark is not installed";

/** What tshark prints of a capture, line by line; `undefined` where there is no tshark. */
export function tshark(file: Uint8Array, ...options: string[]): string[] | undefined {
  const folder = mkdtempSync(join(tmpdir(), "pcapng-"));
  try {
    const path = join(folder, "x.pcapng");
    writeFileSync(path, file);
    const text = execFileSync("tshark", ["-r", path, ...options], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], maxBuffer: 1 << 28 });
    return text.split("\n").filter((line) => line !== "");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Some fields of every frame, separated by bars. */
export function tsharkFields(file: Uint8Array, fields: readonly string[], ...options: string[]): string[] | undefined {
  return tshark(file, ...options, "-T", "fields", "-E", "separator=|", ...fields.flatMap((field) => ["-e", field]));
}
