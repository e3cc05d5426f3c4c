from __future__ import annotations

import numpy as np
from kasmcore_qoi.encoder import QoiEncoder


def test_the_payload_is_a_qoi_image_with_blue_before_red() -> None:
    blue_green_red = np.array([[[200, 100, 50, 7]]], np.uint8)

    payload = QoiEncoder().encode(blue_green_red, 0)

    header = b"qoif" + bytes([0, 0, 0, 1, 0, 0, 0, 1, 4])
    assert payload[:13] == header
    assert payload[14:18] == bytes([0xFE, 200, 100, 50])
    assert payload[18:] == bytes([0, 0, 0, 0, 0, 0, 0, 1])
