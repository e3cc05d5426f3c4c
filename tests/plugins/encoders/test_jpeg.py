from __future__ import annotations

import io
import logging

import kasmcore_jpeg
import numpy as np
import pytest
import turbojpeg  # type: ignore[import-untyped]
from kasmcore_jpeg.encoder import JpegEncoder
from kasmcore_jpeg.engines import (
    Chroma,
    JpegEngine,
    open_engine,
    simplejpeg_engine,
    turbojpeg_engine,
)
from PIL import Image, JpegImagePlugin

from kasmcore.api import BgrxPixels, EncodeError

ENGINES = [turbojpeg_engine(), simplejpeg_engine()]
every_engine = pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
PICTURE = np.random.default_rng(5).integers(0, 256, (48, 64, 4), np.uint8)


@every_engine
@pytest.mark.parametrize(
    ("quality", "sampling"),
    [(0, 2), (15, 2), (41, 2), (42, 1), (77, 1), (78, 1), (79, 0), (92, 0), (100, 0)],
)
def test_the_lower_the_quality_the_coarser_the_colours(
    engine: JpegEngine, quality: int, sampling: int
) -> None:
    payload = JpegEncoder(engine).encode(PICTURE, quality)

    with Image.open(io.BytesIO(payload)) as image:
        assert isinstance(image, JpegImagePlugin.JpegImageFile)
        # Pillow: 0 is 4:4:4, 1 is 4:2:2, 2 is 4:2:0
        assert JpegImagePlugin.get_sampling(image) == sampling


def test_both_engines_write_the_same_bytes() -> None:
    for view in (PICTURE, PICTURE[7:30, 11:40], PICTURE[::-1], PICTURE[:, ::2]):
        payloads = {JpegEncoder(engine).encode(view, 85) for engine in ENGINES}
        assert len(payloads) == 1


@pytest.mark.parametrize("error", [OSError("no such file"), RuntimeError("needs version 3")])
def test_without_a_usable_system_library_simplejpeg_takes_over(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    def refuse() -> None:
        raise error

    monkeypatch.setattr(turbojpeg, "TurboJPEG", refuse)
    with caplog.at_level(logging.INFO, logger="kasmcore.jpeg"):
        (spec,) = kasmcore_jpeg.kasmcore_register_encoders()

    assert spec.needs == ("simplejpeg",)
    assert "simplejpeg" in caplog.text
    assert spec.factory().encode(PICTURE, 80)


def test_the_spec_names_the_engine_that_is_used() -> None:
    (spec,) = kasmcore_jpeg.kasmcore_register_encoders()

    assert spec.needs == (open_engine().name,)


def test_a_library_that_fails_is_an_encode_error() -> None:
    def fail(pixels: BgrxPixels, quality: int, chroma: Chroma) -> bytes:
        raise OSError("out of memory")

    with pytest.raises(EncodeError, match="broken failed: out of memory"):
        JpegEncoder(JpegEngine("broken", fail)).encode(PICTURE, 80)
