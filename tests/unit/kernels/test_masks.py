"""The compiled library cuts masks as numpy does."""

import numpy as np
from hypothesis import given

from kasmcore.kernels import CompiledMask, without_library
from kasmcore.pipeline.moving_rectangles import _groups, dense_rectangles
from kasmcore.pipeline.tiles import rectangles_in
from tests.unit.kernels.memory import masks


@given(masks())
def test_the_same_rectangles_in_the_same_order(mask):
    compiled = rectangles_in(mask)
    with without_library():
        assert compiled == rectangles_in(mask)


@given(masks())
def test_the_same_groups(mask):
    def places(found):
        return sorted((box.x, box.y, box.width, box.height) for box in found)

    assert places(CompiledMask.of(mask).groups()) == places(_groups(mask))


@given(masks())
def test_the_same_dense_rectangles(mask):
    compiled = dense_rectangles(mask, 0.5, 4)
    with without_library():
        assert compiled == dense_rectangles(mask, 0.5, 4)


def test_masks_of_a_chessboard_have_as_many_rectangles_as_there_can_be():
    mask = np.indices((67, 121)).sum(axis=0) % 2 == 0
    assert len(rectangles_in(mask)) == 67 * 121 // 2 + 1
    assert len(CompiledMask.of(mask).groups()) == 1
    apart = np.zeros((67, 121), np.bool_)
    apart[::3, ::3] = True
    assert len(CompiledMask.of(apart).groups()) == 23 * 41
