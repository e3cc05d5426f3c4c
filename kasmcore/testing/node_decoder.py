"""Run a browser's decoder module in Node.js: quick, and without a browser."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kasmcore.values.geometry import Size
from kasmcore.values.pixels import RgbaPixels

RUNNER = """
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
const [path, folder] = process.argv.slice(2);
const { decode } = await import(pathToFileURL(path));
const jobs = JSON.parse(readFileSync(`${folder}/jobs.json`, "utf8"));
const problems = [];
for (const [index, job] of jobs.entries()) {
  try {
    const payload = new Uint8Array(readFileSync(`${folder}/${index}.payload`));
    writeFileSync(`${folder}/${index}.rgba`, await decode(payload, job));
    problems.push("");
  } catch (error) {
    problems.push(String(error));
  }
}
process.stdout.write(JSON.stringify(problems));
"""
TIMEOUT_S = 60


def decode_in_node(
    module: Path, payloads: Sequence[tuple[bytes, Size, int]]
) -> list[RgbaPixels | str]:
    """Decode (payload, size, quality) each with an ES module's ``decode``, in one process.

    Args:
        module: file that exports ``codec`` and ``decode``; what it returns must be RGBA bytes.
        payloads: what to decode.

    Returns:
        For each the picture, or the text of the error that ``decode`` threw.

    Raises:
        FileNotFoundError: Node.js is not installed.
        RuntimeError: the module cannot be loaded.
    """
    with tempfile.TemporaryDirectory(prefix="kasmcore-decode-") as name:
        folder = Path(name)
        jobs = [
            {"width": size.width, "height": size.height, "quality": quality}
            for _, size, quality in payloads
        ]
        (folder / "jobs.json").write_text(json.dumps(jobs))
        (folder / "run.mjs").write_text(RUNNER)
        esm = folder / f"{module.stem}.mjs"
        esm.write_bytes(module.read_bytes())
        for index, (payload, _, _) in enumerate(payloads):
            (folder / f"{index}.payload").write_bytes(payload)
        finished = subprocess.run(
            ["node", folder / "run.mjs", esm, folder],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        if finished.returncode:
            raise RuntimeError(f"{module} cannot run in Node.js: {finished.stderr.strip()}")
        problems: list[str] = json.loads(finished.stdout)
        return [
            problem or _picture(folder / f"{index}.rgba", size)
            for index, (problem, (_, size, _)) in enumerate(zip(problems, payloads, strict=True))
        ]


def _picture(file: Path, size: Size) -> RgbaPixels | str:
    data = np.frombuffer(file.read_bytes(), np.uint8)
    if data.size != size.area * 4:
        return f"decode returned {data.size} bytes for {size}"
    return data.reshape(size.height, size.width, 4)
