// Paths as texts: no file system here, so that descriptions load in a browser too. Both separators are understood.

export function isAbsolute(path: string): boolean {
  return /^([/\\]|[A-Za-z]:[/\\])/.test(path);
}

/** `"a/b/c.yaml"` → `"a/b"`, `"c.yaml"` → `""`. */
export function directoryOf(path: string): string {
  const match = /^(.*)[/\\][^/\\]*$/.exec(path);
  return match ? match[1] || "/" : "";
}

/** The last part of a path. */
export function baseName(path: string): string {
  return path.replace(/[/\\]+$/, "").replace(/^.*[/\\]/, "");
}

/** `path` as seen from `directory`, with `.` and inner `..` removed. */
export function resolvePath(directory: string, path: string): string {
  const joined = isAbsolute(path) || directory === "" ? path : `${directory}/${path}`;
  const parts: string[] = [];
  for (const part of joined.split(/[/\\]/)) {
    if (part === "." || (part === "" && parts.length > 0)) continue;
    if (part === ".." && parts.length > 0 && parts.at(-1) !== ".." && parts.at(-1) !== "") parts.pop();
    else parts.push(part);
  }
  return parts.join("/") || (isAbsolute(joined) ? "/" : ".");
}
