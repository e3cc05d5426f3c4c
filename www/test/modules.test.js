import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

import { ROOT, graphOf, importsOf } from "./modules.js";

const modules = readdirSync(ROOT, { recursive: true, encoding: "utf8" }).filter(
  (path) => path.endsWith(".js") && !/^(node_modules|test|tools|bundle)\//.test(path),
);

/** Layers from the top; a module imports from its own folder and from layers below. */
const LAYERS = [
  ["page"],
  ["client"],
  ["connection", "workers"],
  ["display", "input", "clipboard", "stats", "decoders", "transports"],
  ["protocol"],
  ["errors"],
];

/** @param {string} path */
function folderOf(path) {
  return path.startsWith("src/") ? path.split("/")[1].replace(".js", "") : path.split(/[/.]/)[0];
}

/** @param {string} path */
const layerOf = (path) => LAYERS.findIndex((layer) => layer.includes(folderOf(path)));

test("every module belongs to a layer", () => {
  assert.deepEqual(
    modules.filter((path) => layerOf(path) === -1),
    [],
  );
});

test("modules import downwards only, and folders of one layer do not know each other", () => {
  const wrong = modules.flatMap((path) =>
    importsOf(path)
      .filter((target) => folderOf(target) !== folderOf(path) && layerOf(target) <= layerOf(path))
      .filter((target) => !(layerOf(path) === 2 && layerOf(target) === 2))
      .map((target) => `${path} imports ${target}`),
  );
  assert.deepEqual(wrong, []);
});

for (const [page, script] of [
  ["index.html", "bundle/page/main.js"],
  ["login.html", "page/login.js"],
]) {
  test(`${page} preloads every module of ${script}, so that joining costs one round trip`, () => {
    const html = readFileSync(new URL(page, ROOT), "utf8");
    const preloaded = [...html.matchAll(/rel="modulepreload" href="([^"]+)"/g)].map(([, p]) => p);
    assert.deepEqual(preloaded.sort(), graphOf(script).slice(1).sort());
  });

  test(`${page} obeys the content security policy: no inline script or style`, () => {
    const html = readFileSync(new URL(page, ROOT), "utf8");
    assert.doesNotMatch(html, /<script(?![^>]*src=)|<style|\sstyle=|\son\w+=/);
  });
}
