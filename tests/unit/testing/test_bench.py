"""What the benchmark counts: frame codes survive codecs, tables and JSON hold what was measured."""

import os

import attrs
import kasmcore_h264
import numpy as np
import pytest
import simplejpeg

from kasmcore.config.schema import ServerConfig
from kasmcore.testing.bench.contents import photo_picture, text_picture
from kasmcore.testing.bench.encoder_costs import encoder_costs
from kasmcore.testing.bench.frame_code import NUMBERS, PLACE, code_cells, read_code, unwrapped
from kasmcore.testing.bench.processes import process_tree
from kasmcore.testing.bench.results import as_json_values, as_table, column
from kasmcore.testing.bench.stage_costs import stage_costs
from kasmcore.testing.bench.stream_costs import moving_pictures, stream_costs
from kasmcore.testing.bench.watcher import latencies_ms
from kasmcore.values.geometry import Size
from tests.unit.session.desks import RAW

SCREEN = Size(320, 200)


def picture_with_code(number):
    pixels = photo_picture(SCREEN)
    for colour, cells in zip((0, 255), code_cells(number), strict=True):
        for cell in cells:
            pixels[cell.rows, cell.columns] = colour
    return pixels


@pytest.mark.parametrize("number", range(0, NUMBERS, 5))
def test_a_frame_code_is_read_back_after_a_coarse_jpeg(number):
    payload = simplejpeg.encode_jpeg(picture_with_code(number), quality=10, colorspace="BGRX")
    assert read_code(simplejpeg.decode_jpeg(payload, "BGRX")) == number


def test_what_is_no_code_is_not_read_as_one():
    assert read_code(photo_picture(SCREEN)) is None
    assert read_code(picture_with_code(7)[: PLACE.height // 2]) is None


def test_a_code_stands_for_the_next_frame_with_its_last_bits():
    assert unwrapped(5, after=3) == 5
    assert unwrapped(5, after=5) == 5
    assert unwrapped(3, after=250) == 259
    assert unwrapped(4, after=2 * NUMBERS + 5) == 3 * NUMBERS + 4


def test_latency_counts_frames_that_were_shown():
    drawn_ns = {1: 2_000_000, 2: 3_000_000, 3: 9_000_000}
    assert latencies_ms(drawn_ns, {1: 5_000_000, 3: 9_500_000}) == [3.0, 0.5]


@attrs.frozen(kw_only=True)
class Measured:
    name: str = column("name")
    wait_ms: float | None = column("wait ms", ".1f")


def test_results_are_a_table_for_people_and_values_for_programs():
    results = [Measured(name="first", wait_ms=2.25), Measured(name="b", wait_ms=None)]
    assert as_table(results).splitlines() == [
        "| name  | wait ms |",
        "| ----- | ------- |",
        "| first | 2.2     |",
        "| b     | -       |",
    ]
    assert as_json_values(results) == [
        {"name": "first", "wait_ms": 2.25},
        {"name": "b", "wait_ms": None},
    ]


def test_contents_are_the_same_at_every_call_and_differ_by_seed():
    assert np.array_equal(text_picture(SCREEN), text_picture(SCREEN))
    assert not np.array_equal(text_picture(SCREEN), text_picture(SCREEN, seed=9))


def test_an_encoder_is_measured_at_its_qualities_on_text_and_on_a_picture():
    costs = list(encoder_costs([RAW], SCREEN))
    assert [(cost.codec, cost.quality, cost.content) for cost in costs] == [
        ("raw", 100, "text"),
        ("raw", 100, "picture"),
    ]
    assert {cost.bits_per_pixel for cost in costs} == {32.0}
    assert {cost.small_bytes for cost in costs} == {32 * 32 * 4}


def test_an_encoder_of_streams_is_measured_on_a_video():
    specs = kasmcore_h264.kasmcore_register_encoders(ServerConfig())
    costs = list(stream_costs(specs, [SCREEN]))
    assert [(cost.codec, cost.size, cost.effort) for cost in costs] == [
        ("h264", "320x200", effort) for effort in (0, 0, 30, 30, 100, 100)
    ]
    for little, much in zip(costs[::2], costs[1::2], strict=True):
        assert little.limit_mbit_per_s < much.limit_mbit_per_s
        assert little.psnr_db < much.psnr_db
    assert all(cost.mbit_per_s < 1.2 * cost.limit_mbit_per_s for cost in costs)
    assert all(cost.ms_per_picture > 0 for cost in costs)


def test_the_quality_of_a_codec_without_a_decoder_here_is_not_told():
    [spec] = kasmcore_h264.kasmcore_register_encoders(ServerConfig())
    unknown = attrs.evolve(spec, codec="unknown")
    assert {cost.psnr_db for cost in stream_costs([unknown], [SCREEN])} == {None}


def test_pictures_of_the_video_differ_and_are_of_its_size():
    first, second = moving_pictures(SCREEN, 2)
    assert first.shape == (SCREEN.height, SCREEN.width, 4)
    assert (first != second).any(axis=2).mean() > 0.9


def test_stages_are_measured_on_changes_from_none_to_all_tiles():
    costs = {cost.change: cost for cost in stage_costs([RAW], SCREEN)}
    assert costs["nothing, though all is hinted"].tiles == 0
    assert 0 < costs["a letter"].tiles <= 4
    assert costs["video"].tiles == 20 * 13
    assert costs["video"].jobs > 0


def test_an_own_process_is_found_with_its_time_and_memory():
    own = next(p for p in process_tree(os.getpid()) if p.pid == os.getpid())
    assert own.parent == os.getppid()
    assert own.cpu_s > 0
    assert own.resident_bytes > 10_000_000
