"""Frames and masks that lie in memory in every way that there is."""

import numpy as np
from hypothesis import strategies as st

from kasmcore.values.geometry import Rectangle

MOST = 75


@st.composite
def frames_of(draw, width: int, height: int, colours: int | None = None) -> np.ndarray:
    """Pixels of few colours: part of a larger frame, at an odd address, or upside down."""
    number = draw(st.integers(1, 4)) if colours is None else colours
    margin, offset = draw(st.sampled_from((0, 0, 1, 5))), draw(st.sampled_from((0, 0, 1, 4)))
    shape = height + 2 * margin, width + 2 * margin
    random = np.random.default_rng(draw(st.integers(0, 99)))
    palette = random.integers(0, 256, (number, 4), np.uint8)
    palette[number // 2 :, 1] = palette[:1, 1] + 7  # differs little
    memory = bytes(offset) + palette[random.integers(0, number, shape)].tobytes()
    frame = np.frombuffer(memory, np.uint8, offset=offset).reshape(*shape, 4)
    frame = frame[margin : margin + height, margin : margin + width]
    return frame[::-1] if draw(st.booleans()) else frame


@st.composite
def frame_pairs(draw) -> tuple[np.ndarray, np.ndarray]:
    """Two frames of one size; the second is the first but for some pixels, or another one."""
    width, height = draw(st.integers(1, MOST)), draw(st.integers(1, MOST))
    before = draw(frames_of(width, height))
    if draw(st.booleans()):
        return before, draw(frames_of(width, height))
    after = before.copy()
    for _ in range(draw(st.integers(0, 3))):
        y, x = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
        after[y, x, draw(st.integers(0, 3))] ^= 1
    return before, after


@st.composite
def parts_of(draw, width: int, height: int) -> Rectangle:
    """A rectangle that is not empty in this size."""
    x, y = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    return Rectangle(x, y, draw(st.integers(1, width - x)), draw(st.integers(1, height - y)))


@st.composite
def masks(draw) -> np.ndarray:
    """Of any density, part of a larger one, upside down or transposed."""
    rows, columns = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    random = np.random.default_rng(draw(st.integers(0, 999)))
    density = draw(st.sampled_from((0.0, 0.05, 0.3, 0.6, 0.95, 1.0)))
    cells = random.random((rows + 2, columns + 2)) < density
    for _ in range(draw(st.integers(0, 3))):
        area = draw(parts_of(columns, rows))
        cells[area.rows, area.columns] = draw(st.booleans())
    part = cells[1:-1, 1:-1]
    return draw(st.sampled_from((part, part[::-1], part.T, part[:, ::-1], part.copy())))
