import numpy as np
import pytest

from kasmcore.pipeline.history import ChangeHistory
from kasmcore.pipeline.pending import EXACT, ViewerPicture
from kasmcore.pipeline.tiles import TileGrid
from kasmcore.values.geometry import Rectangle, Size

GRID = TileGrid(Size(160, 96))
LEFT = GRID.mask_of([Rectangle(0, 0, 80, 96)])


def changing_at(rate_hz: float, seconds: float = 2.0) -> ChangeHistory:
    history = ChangeHistory(GRID)
    for step in range(int(rate_hz * seconds)):
        history.record(LEFT, step / rate_hz)
    return history


def test_heat_grows_with_the_rate_of_change():
    heats = [changing_at(hz).heat(2.0)[LEFT].mean() for hz in (2, 12, 30, 60)]
    assert heats == sorted(heats)
    assert heats[-1] > 3 * heats[1]


def test_heat_fades_at_rest():
    history = changing_at(60)
    assert history.heat(3.0)[LEFT].max() < 0.5
    assert history.heat(2.0)[~LEFT].max() == 0


def test_tiles_rest_after_the_given_time_only():
    history = changing_at(10)
    assert not history.resting(2.0, 0.25)[LEFT].any()
    assert history.resting(2.3, 0.25).all()


def test_a_new_viewer_lacks_everything():
    assert ViewerPicture(GRID).pending.all()


def test_what_was_sent_blurred_is_refined_once_it_rests():
    picture, history = ViewerPicture(GRID), ChangeHistory(GRID)
    history.record(GRID.full_mask(), 1.0)
    sent = np.where(LEFT, 70, EXACT).astype(np.uint8)
    picture.take(sent)
    assert picture.is_current()
    assert not picture.refinable(history, 1.1, 0.25).any()
    assert (picture.refinable(history, 1.3, 0.25) == LEFT).all()
    assert picture.next_refinement_s(history, 0.25) == 1.25
    picture.take(np.full(GRID.shape, EXACT, np.uint8))
    assert picture.next_refinement_s(history, 0.25) is None


def test_a_lost_frame_is_pending_again():
    picture = ViewerPicture(GRID)
    picture.take(np.full(GRID.shape, EXACT, np.uint8))
    picture.give_back(LEFT, copies_before=0)
    assert (picture.pending == LEFT).all()


def test_a_picture_is_calm_when_few_tiles_changed_lately():
    history = ChangeHistory(TileGrid(Size(320, 320)))
    none, half, few = (history.grid.empty_mask() for _ in range(3))
    half[:10], few[15, :5] = True, True
    assert history.calm_at_s(0.25, none) < 0
    history.record(few, 5.0)
    assert history.calm_at_s(0.25, none) < 0
    history.record(half, 7.0)
    assert history.calm_at_s(0.25, none) == pytest.approx(7.25)
    assert history.calm_at_s(0.25, half) < 0


def test_what_changes_with_each_of_few_frames_is_restless_and_what_is_typed_beside_it_is_not():
    history = ChangeHistory(GRID)
    video, typed = GRID.empty_mask(), GRID.empty_mask()
    video[:2], typed[-1, 0] = True, True
    for frame in range(24):
        history.record(video | typed if frame % 4 == 0 else video, frame / 8)
    restless = history.restless(23 / 8)
    assert restless[video].all()
    assert not restless[typed].any()


def test_a_single_change_is_not_restless():
    history = ChangeHistory(GRID)
    history.record(GRID.full_mask(), 1.0)
    assert not history.restless(1.0).any()
