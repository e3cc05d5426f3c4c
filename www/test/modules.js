import { readFileSync } from "node:fs";

export const ROOT = new URL("../", import.meta.url);

/**
 * Modules that a module imports statically, as paths below www/.
 * @param {string} path
 */
export function importsOf(path) {
  const url = new URL(path, ROOT);
  const source = readFileSync(url, "utf8").replaceAll(/\/\*[\s\S]*?\*\//g, "");
  const found = source.matchAll(/^(?:import|export)\b[^;]*?from\s+"(\.[^"]+)"/gm);
  return [...found].map(([, target]) => new URL(target, url).href.slice(ROOT.href.length));
}

/**
 * All modules that a module needs, itself first.
 * @param {string} path
 */
export function graphOf(path) {
  const found = [path];
  for (const module of found) {
    found.push(...importsOf(module).filter((target) => !found.includes(target)));
  }
  return found;
}
