"""What the benchmark of transports makes of what a page saw."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from tests.bench.plot import bars
from tests.bench.sightings import Watched, sightings
from tests.impaired_browser import Drawn, Seen

DRAWN = {number: number / 30 for number in range(1, 601)}


def test_a_code_of_eight_bits_is_the_newest_number_that_had_been_drawn():
    seen = [(255, 8.6), (0, 8.7), (44, 10.1), (44, 20.0)]
    assert [sight.number for sight in sightings(DRAWN, seen)] == [255, 256, 300, 556]


def test_an_older_picture_seen_again_and_one_from_nowhere_do_not_count():
    seen = [(10, 0.5), (9, 0.52), (200, 0.55), (11, 0.6)]
    assert [sight.number for sight in sightings(DRAWN, seen)] == [10, 11]


def test_delays_rates_gaps_and_keys_are_counted():
    seen = Seen(
        video=[(n % 256, n / 30 + 0.1) for n in range(1, 600) if not 300 < n <= 360],
        typed=[(1, 5.2), (3, 7.4)],
        keys_s=[5.0, 6.0, 7.0],
    )
    drawn = Drawn(video=DRAWN, typed={1: 5.1, 2: 6.1, 3: 7.1})
    watched = Watched.between(5, 15, drawn, seen)
    assert watched.delay_s(50) == pytest.approx(0.1)
    assert watched.frames_per_s == pytest.approx(24, abs=0.2)
    assert watched.longest_gap_s == pytest.approx(61 / 30)
    assert watched.key_s(100) == pytest.approx(1.4)
    assert watched.current_after_s(11.0) == pytest.approx(361 / 30 + 0.1 - 11.0)
    assert watched.current_after_s(16.0) is None


def test_the_plot_is_an_image_with_every_figure():
    picture = bars("Delay", "ms", {"a < b": {"tcp": (10, 2000), "udp": None}}, 1000)
    texts = [element.text for element in ET.fromstring(picture).iter() if element.text]
    assert {"a < b", "tcp", "udp", "10 / 2000 ms", "not measured"} <= set(texts)
