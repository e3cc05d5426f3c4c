"""The encoder ``rle`` and its browser decoder hold what kasmcore asks of every encoder."""

import numpy as np
from kasmcore.api import BgrxPixels, EncoderSpec
from kasmcore.testing.conformance import BrowserDecoderConformance, EncoderConformance

from kasmcore_rle import kasmcore_register_encoders
from kasmcore_rle.encoder import RUN, RleEncoder


class TestRle(EncoderConformance):
    def make_spec(self) -> EncoderSpec:
        return kasmcore_register_encoders()[0]

    def decode(self, payload: bytes, width: int, height: int) -> BgrxPixels:
        runs = np.frombuffer(payload, RUN)
        rgb = np.repeat(runs["rgb"], runs["length"], axis=0)
        return rgb[:, ::-1].reshape(height, width, 3)


class TestRleInTheBrowser(BrowserDecoderConformance):
    def make_spec(self) -> EncoderSpec:
        return kasmcore_register_encoders()[0]


def test_a_flat_picture_is_one_run() -> None:
    payload = RleEncoder().encode(np.full((100, 200, 4), (3, 2, 1, 99), np.uint8), 100)
    assert payload.hex(" ") == "4e 20 01 02 03"


def test_a_run_that_is_too_long_goes_on_in_another() -> None:
    payload = RleEncoder().encode(np.zeros((256, 512, 4), np.uint8), 100)
    assert np.frombuffer(payload, RUN)["length"].tolist() == [65535, 65535, 2]
