import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

import { makeBundles } from "../tools/bundle.js";
import { ROOT } from "./modules.js";

const bundles = await makeBundles();

for (const { path, text } of bundles) {
  test(`${path.slice(ROOT.pathname.length)} is current; make fix writes it`, () => {
    assert.ok(text === readFileSync(path, "utf8"));
  });
}

test("the bundle holds nothing else", () => {
  const files = readdirSync(new URL("bundle", ROOT), { recursive: true, encoding: "utf8" });
  const scripts = files.filter((name) => name.endsWith(".js"));
  assert.deepEqual(
    scripts.map((name) => new URL(`bundle/${name}`, ROOT).pathname).sort(),
    bundles.map(({ path }) => path).sort(),
  );
});
