/**
 * Write `bundle/`, which browsers load in place of fifty modules: joining costs a handful of
 * requests. `node tools/bundle.js`, also part of `make fix`.
 */
import { build } from "esbuild";
import { fileURLToPath } from "node:url";

/** Bundles keep the folders that modules find each other by (`import.meta.url`). */
const ENTRIES = {
  "page/main": "page/main.js",
  "workers/session_worker": "src/workers/session_worker.js",
};

/** Everything that `bundle/` should hold, as it would be written. */
export async function makeBundles() {
  const { outputFiles } = await build({
    absWorkingDir: fileURLToPath(new URL("..", import.meta.url)),
    entryPoints: ENTRIES,
    outdir: "bundle",
    bundle: true,
    format: "esm",
    minify: true,
    target: "es2022",
    legalComments: "none",
    write: false,
  });
  return outputFiles;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { mkdir, writeFile } = await import("node:fs/promises");
  for (const { path, contents } of await makeBundles()) {
    await mkdir(new URL(".", `file://${path}`), { recursive: true });
    await writeFile(path, contents);
  }
}
