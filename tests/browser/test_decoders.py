"""Payloads of the Python encoders, decoded in a worker of a real Chromium."""

from __future__ import annotations

import base64
import http.server
import threading
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs
import kasmcore_deflate
import kasmcore_jpeg
import kasmcore_qoi
import kasmcore_webp
import numpy as np
import pytest
from playwright.sync_api import Page, sync_playwright

from kasmcore.api import BgrxPixels, EncoderSpec, RgbaPixels

pytestmark = pytest.mark.browser

REPOSITORY = Path(__file__).resolve().parents[2]
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DECODE_IN_WORKER = """
([jobs, query]) => new Promise((resolve, reject) => {
  const worker = new Worker("/worker.js" + query, { type: "module" });
  worker.onmessage = ({ data }) => { worker.terminate(); resolve(data); };
  worker.onerror = (error) => { worker.terminate(); reject(new Error(error.message)); };
  worker.postMessage(jobs);
})
"""
ENCODERS: dict[str, EncoderSpec] = {
    spec.codec: spec
    for plugin in (kasmcore_jpeg, kasmcore_webp, kasmcore_qoi, kasmcore_deflate)
    for spec in plugin.kasmcore_register_encoders()
}
NO_IMAGE_DECODER = "?without_image_decoder"  # as in Firefox, or without HTTPS
SIZES = [(1, 1), (1, 9), (9, 1), (8, 8), (37, 15), (64, 64), (301, 203)]


class _Files(http.server.SimpleHTTPRequestHandler):
    """Serves the client's modules, the test's worker and an empty page."""

    def translate_path(self, path: str) -> str:
        if path.startswith("/src/"):
            return str(REPOSITORY / "www" / path.lstrip("/"))
        return str(Path(__file__).with_name("decoder_worker.js"))

    def do_GET(self) -> None:
        if self.path != "/":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """A page of a loopback server in headless Chromium."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Files)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path="/usr/bin/chromium", args=CHROMIUM_FLAGS
            )
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{server.server_port}/")
            yield page
            browser.close()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@attrs.frozen
class Job:
    """One payload to decode, and the size that is announced for it."""

    codec: str
    payload: bytes
    width: int
    height: int

    def to_json(self) -> dict[str, str | int]:
        payload = base64.b64encode(self.payload).decode()
        return attrs.asdict(self) | {"payload": payload, "quality": 100}


@attrs.frozen(eq=False)
class Answer:
    """What came of a job: pixels, or an error that is a DecodeError or not."""

    rgba: RgbaPixels | None
    kind: str
    error: str
    refused: bool


def decode(page: Page, jobs: Sequence[Job], query: str = "") -> list[Answer]:
    replies = page.evaluate(DECODE_IN_WORKER, [[job.to_json() for job in jobs], query])
    answers = []
    for job, reply in zip(jobs, replies, strict=True):
        rgba = None
        if "rgba" in reply:
            flat = np.frombuffer(base64.b64decode(reply["rgba"]), np.uint8)
            rgba = flat.reshape(job.height, job.width, 4)
        answers.append(
            Answer(rgba, reply.get("kind", ""), reply.get("error", ""), reply.get("refused", False))
        )
    return answers


def desktop_picture(width: int, height: int, seed: int = 0) -> BgrxPixels:
    """Lines of letter-like strokes on white, with garbage in the unused byte."""
    random = np.random.default_rng(seed)
    pixels = np.full((height, width, 4), 255, np.uint8)
    strokes = random.random((height, width)) < 0.25
    strokes[::12] = False
    pixels[strokes] = (90, 40, 30, 0)
    pixels[height // 2 :, : width // 3] = (200, 120, 40, 9)
    pixels[..., 3] = random.integers(0, 256, (height, width))
    return pixels


def photograph(width: int, height: int) -> BgrxPixels:
    """Smooth colours with a little grain."""
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float64)
    random = np.random.default_rng(1)
    channels = [
        128 + 90 * np.sin(rows / 23 + columns / 41 + phase) + random.normal(0, 1.5, rows.shape)
        for phase in (0.0, 1.1, 2.3)
    ]
    pixels = np.zeros((height, width, 4), np.uint8)
    pixels[..., :3] = np.clip(np.stack(channels, axis=-1), 0, 255)
    return pixels


def noise(width: int, height: int) -> BgrxPixels:
    return np.random.default_rng(2).integers(0, 256, (height, width, 4), np.uint8)


def psnr(rgba: RgbaPixels, bgrx: BgrxPixels) -> float:
    error = rgba[..., :3].astype(np.float64) - bgrx[..., 2::-1]
    return float(10 * np.log10(255**2 / max(float(np.mean(error**2)), 1e-9)))


def job(codec: str, pixels: BgrxPixels, quality: int = 100) -> Job:
    payload = ENCODERS[codec].factory().encode(pixels, quality)
    return Job(codec, payload, width=pixels.shape[1], height=pixels.shape[0])


@pytest.mark.parametrize(
    ("codec", "query"),
    [("qoi", ""), ("deflate", ""), ("webp", ""), ("webp", NO_IMAGE_DECODER)],
)
def test_an_exact_codec_gives_back_the_very_pixels(page: Page, codec: str, query: str) -> None:
    pictures = [paint(*size) for size in SIZES for paint in (desktop_picture, photograph, noise)]

    answers = decode(page, [job(codec, pixels) for pixels in pictures], query)

    for pixels, answer in zip(pictures, answers, strict=True):
        assert answer.rgba is not None, answer.error
        np.testing.assert_array_equal(answer.rgba[..., :3], pixels[..., 2::-1])
        assert (answer.rgba[..., 3] == 255).all()


@pytest.mark.parametrize("query", ["", NO_IMAGE_DECODER])
@pytest.mark.parametrize("codec", ["jpeg", "webp"])
def test_a_lossy_codec_comes_close(page: Page, codec: str, query: str) -> None:
    pictures = [photograph(*size) for size in SIZES]

    for quality in (50, 80, 95):
        answers = decode(page, [job(codec, pixels, quality) for pixels in pictures], query)
        for pixels, answer in zip(pictures, answers, strict=True):
            assert answer.rgba is not None, answer.error
            assert psnr(answer.rgba, pixels) > 30


def test_chromium_decodes_pictures_by_image_decoder(page: Page) -> None:
    jobs = [job(codec, photograph(64, 64), 80) for codec in ("jpeg", "webp")]

    assert [answer.kind for answer in decode(page, jobs)] == ["VideoFrame", "VideoFrame"]
    fallback = decode(page, jobs, NO_IMAGE_DECODER)
    assert [answer.kind for answer in fallback] == ["ImageBitmap", "ImageBitmap"]


@pytest.mark.parametrize("codec", sorted(ENCODERS))
def test_a_payload_cut_off_anywhere_is_refused(page: Page, codec: str) -> None:
    whole = job(codec, desktop_picture(40, 30), 90)
    cuts = sorted({0, 1, 2, 3, 4, 11, 12, 13, 14, 22, *range(0, len(whole.payload), 97)})
    cuts += [len(whole.payload) - 1, len(whole.payload) - 2]

    jobs = [attrs.evolve(whole, payload=whole.payload[:cut]) for cut in cuts]

    for cut, answer in zip(cuts, decode(page, jobs), strict=True):
        assert answer.refused, f"cut at {cut}: {answer.error or 'decoded'}"


@pytest.mark.parametrize(
    ("codec", "query"),
    [*((codec, "") for codec in sorted(ENCODERS)), ("jpeg", NO_IMAGE_DECODER)],
)
def test_a_payload_of_another_size_than_announced_is_refused(
    page: Page, codec: str, query: str
) -> None:
    whole = job(codec, desktop_picture(40, 30), 90)
    sizes = [(39, 30), (41, 30), (40, 29), (40, 31), (1, 1), (4000, 3000)]
    if codec != "deflate":
        sizes.append((30, 40))  # a deflate stream knows how many pixels it holds, not its sides

    jobs = [attrs.evolve(whole, width=width, height=height) for width, height in sizes]

    for size, answer in zip(sizes, decode(page, jobs, query), strict=True):
        assert answer.refused, f"{size}: {answer.error or 'decoded'}"


@pytest.mark.parametrize("codec", sorted(ENCODERS))
def test_garbage_never_raises_anything_but_a_decode_error(page: Page, codec: str) -> None:
    random = np.random.default_rng(3)
    whole = job(codec, desktop_picture(40, 30), 90)
    damaged = [random.bytes(int(length)) for length in random.integers(0, 3000, 40)]
    for _ in range(160):
        payload = bytearray(whole.payload)
        for place in random.integers(0, len(payload), 3):
            payload[place] = random.integers(0, 256)
        damaged.append(bytes(payload))

    answers = decode(page, [attrs.evolve(whole, payload=payload) for payload in damaged])

    assert all(answer.refused for answer in answers[:40])
    for answer in answers:
        assert answer.refused or answer.rgba is not None, answer.error


def test_a_deflate_bomb_is_refused(page: Page) -> None:
    deflater = zlib.compressobj(9, wbits=-15)
    mebibyte = deflater.compress(bytes(1 << 20)) + deflater.flush(zlib.Z_FULL_FLUSH)
    bomb = mebibyte * 2048  # 2 GiB would come out

    (answer,) = decode(page, [Job("deflate", b"\x01" + bomb, width=64, height=64)])

    assert answer.refused
    assert "more pixels" in answer.error


def test_bytes_after_a_deflate_stream_are_refused(page: Page) -> None:
    whole = job("deflate", desktop_picture(40, 30))

    (answer,) = decode(page, [attrs.evolve(whole, payload=whole.payload + b"more")])

    assert answer.refused


def test_a_deflate_format_of_the_future_is_refused(page: Page) -> None:
    (answer,) = decode(page, [Job("deflate", b"\x02" + bytes(256), width=8, height=8)])

    assert answer.refused
    assert "format 2" in answer.error
