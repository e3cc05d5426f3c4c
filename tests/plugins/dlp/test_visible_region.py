from __future__ import annotations

import kasmcore_visible_region
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kasmcore_visible_region.borders import RegionBorders, parts_outside
from numpy.typing import NDArray

from kasmcore.api import (
    BgrxPixels,
    ConfigError,
    DlpFilter,
    DlpFilterSpec,
    InputEvent,
    KeyEvent,
    KeysReleased,
    PointerButton,
    PointerMoved,
    Rectangle,
    Refusal,
    ServerConfig,
    Size,
    TextTyped,
    User,
    ViewerInfo,
    WheelTurned,
)
from kasmcore.config.schema_dlp import (
    ConcealedRegionConfig,
    DataLossPreventionConfig,
    VisibleRegionConfig,
)
from kasmcore.config.units import EdgeDistance
from kasmcore.values.permissions import FULL_PERMISSIONS

ANNA = ViewerInfo(1, User("anna", FULL_PERMISSIONS), "192.0.2.1", "websocket")


def config_of(
    left: str | None,
    top: str | None,
    right: str | None,
    bottom: str | None,
    *,
    down: bool = False,
    release: bool = False,
) -> ServerConfig:
    sides = [EdgeDistance.of_text(side) if side else None for side in (left, top, right, bottom)]
    region = VisibleRegionConfig(
        left=sides[0],
        top=sides[1],
        right=sides[2],
        bottom=sides[3],
        concealed_region=ConcealedRegionConfig(allow_click_down=down, allow_click_release=release),
    )
    return ServerConfig(data_loss_prevention=DataLossPreventionConfig(visible_region=region))


def spec_for(config: ServerConfig) -> DlpFilterSpec:
    (spec,) = kasmcore_visible_region.kasmcore_register_dlp_filters(config)
    assert spec.name == "visible_region"
    return spec


def filter_for(config: ServerConfig) -> DlpFilter:
    return spec_for(config).factory(config)


def visible_part(dlp_filter: DlpFilter, size: Size) -> Rectangle:
    """Let the filter paint a white frame and measure what stays white."""
    pixels = white(size)
    dlp_filter.filter_frame(pixels, [Rectangle.of_size(size)])
    seen: NDArray[np.bool_] = pixels[..., 0] == 255
    rows, columns = np.flatnonzero(np.any(seen, axis=1)), np.flatnonzero(np.any(seen, axis=0))
    if rows.size == 0:
        return Rectangle(0, 0, 0, 0)
    part = Rectangle.from_edges(
        int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    )
    assert seen[part.rows, part.columns].all()
    return part


def white(size: Size) -> BgrxPixels:
    return np.full((size.height, size.width, 4), 255, np.uint8)


@pytest.mark.parametrize(
    ("sides", "size", "seen"),
    [
        (("10%", "20%", "30%", "40%"), Size(100, 100), Rectangle(10, 20, 60, 40)),
        (("0%", "0%", "50%", "0%"), Size(100, 100), Rectangle(0, 0, 50, 100)),
        # what is hidden in part is hidden: 10 % of 15 are 1.5
        (("10%", "10%", "10%", "10%"), Size(15, 15), Rectangle(2, 2, 11, 11)),
        # pixels: where the region begins and where it ends
        (("10", "20", "60", "70"), Size(100, 100), Rectangle(10, 20, 50, 50)),
        # a negative end is a distance from that edge, 0 is the edge
        (("10", "20", "-5", "0"), Size(100, 100), Rectangle(10, 20, 85, 80)),
        # the sign of a beginning means nothing
        (("-10", "-20", "60", "70"), Size(100, 100), Rectangle(10, 20, 50, 50)),
        # an end beyond the screen is the edge
        (("10", "20", "500", "500"), Size(100, 100), Rectangle(10, 20, 90, 80)),
        # sides that cross on this screen hide it all
        (("60", "0", "-50", "0"), Size(100, 100), Rectangle(0, 0, 0, 0)),
        (("200", "0", "0", "0"), Size(100, 100), Rectangle(0, 0, 0, 0)),
    ],
)
def test_the_sides_mean_what_the_operators_page_says(
    sides: tuple[str, str, str, str], size: Size, seen: Rectangle
) -> None:
    assert visible_part(filter_for(config_of(*sides)), size) == seen


def test_the_region_follows_the_size_of_the_frame() -> None:
    region = filter_for(config_of("60", "0", "-50", "0"))

    assert visible_part(region, Size(100, 40)).is_empty()
    assert visible_part(region, Size(200, 40)) == Rectangle(60, 0, 90, 40)
    assert visible_part(region, Size(300, 80)) == Rectangle(60, 0, 190, 80)


def test_only_what_changed_is_painted() -> None:
    region = filter_for(config_of("50%", "0%", "0%", "0%"))
    pixels = white(Size(20, 20))

    region.filter_frame(pixels, [Rectangle(5, 5, 10, 2), Rectangle(12, 15, 3, 3)])

    expected = white(Size(20, 20))
    expected[5:7, 5:10] = 0
    np.testing.assert_array_equal(pixels, expected)


@pytest.mark.parametrize(
    "sides",
    [
        (None, None, None, None),
        ("0%", "0%", "0%", "0%"),
        ("0", "0", "0", "0"),
    ],
)
def test_sides_that_hide_nothing_cost_nothing(
    sides: tuple[str | None, str | None, str | None, str | None],
) -> None:
    config = config_of(*sides)
    region = filter_for(config)
    click = PointerButton(1, pressed=True, x=3, y=3)

    assert not spec_for(config).masks_frames
    assert visible_part(region, Size(30, 20)) == Rectangle(0, 0, 30, 20)
    assert region.filter_input(click, ANNA, 0.0) is click


def test_a_region_asks_for_frames() -> None:
    assert spec_for(config_of("10%", "0%", "0%", "0%")).masks_frames


@pytest.mark.parametrize(
    ("sides", "what"),
    [
        (("10%", None, "0%", "0%"), "lacks a side"),
        (("10%", "0", "0%", "0%"), "mix percent and pixels"),
        (("50%", "0%", "50%", "0%"), "nothing to be seen"),
        (("0%", "90%", "0%", "20%"), "nothing to be seen"),
        (("50", "0", "50", "0"), "nothing to be seen"),
        (("0", "-80", "0", "70"), "nothing to be seen"),
    ],
)
def test_sides_that_make_no_sense_stop_the_start(
    sides: tuple[str | None, str | None, str | None, str | None], what: str
) -> None:
    with pytest.raises(ConfigError, match=what) as caught:
        spec_for(config_of(*sides))

    assert caught.value.where == "data_loss_prevention.visible_region"
    assert caught.value.remedy


@pytest.mark.parametrize("down", [True, False])
@pytest.mark.parametrize("release", [True, False])
def test_clicks_outside_follow_the_two_switches(*, down: bool, release: bool) -> None:
    region = filter_for(config_of("50%", "0%", "0%", "0%", down=down, release=release))
    region.filter_frame(white(Size(20, 20)), [])
    press_in, press_out = (PointerButton(1, pressed=True, x=x, y=0) for x in (10, 9))
    release_in, release_out = (PointerButton(1, pressed=False, x=x, y=0) for x in (10, 9))
    wheel_in, wheel_out = (WheelTurned(0, 120, x, 0) for x in (10, 9))

    def passes(event: InputEvent) -> bool:
        verdict = region.filter_input(event, ANNA, 0.0)
        if isinstance(verdict, Refusal):
            assert verdict == Refusal("click_outside_visible_region", "")
            return False
        return verdict is event

    assert passes(press_in)
    assert passes(release_in)
    assert passes(wheel_in)
    assert passes(press_out) is down
    assert passes(wheel_out) is down
    assert passes(release_out) is release


@pytest.mark.parametrize("x", [0, 9, 19, 5000])
def test_the_pointer_and_the_keyboard_are_free_everywhere(x: int) -> None:
    region = filter_for(config_of("50%", "0%", "0%", "0%"))
    region.filter_frame(white(Size(20, 20)), [])
    key = KeyEvent(pressed=True, keysym=0x61, code="KeyA")

    for event in (PointerMoved(x, 0), key, TextTyped("a"), KeysReleased()):
        assert region.filter_input(event, ANNA, 0.0) is event


def test_before_the_first_frame_every_click_is_outside() -> None:
    region = filter_for(config_of("10%", "0%", "0%", "0%"))

    verdict = region.filter_input(PointerButton(1, pressed=True, x=0, y=0), ANNA, 0.0)

    assert isinstance(verdict, Refusal)


def test_a_click_beyond_the_last_seen_column_and_row_is_outside() -> None:
    region = filter_for(config_of("0", "0", "10", "8"))
    region.filter_frame(white(Size(20, 20)), [])

    def passes(x: int, y: int) -> bool:
        click = PointerButton(1, pressed=True, x=x, y=y)
        return region.filter_input(click, ANNA, 0.0) is click

    assert passes(9, 7)
    assert not passes(10, 7)
    assert not passes(9, 8)


def rectangles(most: int = 40) -> st.SearchStrategy[Rectangle]:
    places, lengths = st.integers(0, most), st.integers(1, most)
    return st.builds(Rectangle, places, places, lengths, lengths)


@given(rectangle=rectangles(), region=rectangles() | st.just(Rectangle(0, 0, 0, 0)))
def test_the_parts_outside_cover_exactly_what_is_not_seen(
    rectangle: Rectangle, region: Rectangle
) -> None:
    painted = np.zeros((80, 80), np.uint8)

    for part in parts_outside(rectangle, region):
        assert not part.is_empty()
        painted[part.rows, part.columns] += 1

    expected = np.zeros_like(painted)
    expected[rectangle.rows, rectangle.columns] = 1
    expected[region.rows, region.columns] = 0
    np.testing.assert_array_equal(painted, expected)


@given(
    left=st.integers(-300, 300),
    top=st.integers(-300, 300),
    right=st.integers(-300, 300),
    bottom=st.integers(-300, 300),
    width=st.integers(1, 200),
    height=st.integers(1, 200),
)
def test_a_region_in_pixels_always_lies_within_the_frame(
    left: int, top: int, right: int, bottom: int, width: int, height: int
) -> None:
    borders = RegionBorders(left=left, top=top, right=right, bottom=bottom, are_percent=False)

    region = borders.region_in(Size(width, height))

    assert Rectangle(0, 0, width, height).contains(region)
    assert region == Rectangle(0, 0, 0, 0) or region.area > 0
    if borders.hide_everything():
        assert region.is_empty()
    if not region.is_empty():
        assert (region.x, region.y) == (abs(left), abs(top))
        assert right <= 0 or region.right <= right
        assert bottom <= 0 or region.bottom <= bottom


@given(
    shares=st.tuples(*[st.integers(0, 100)] * 4),
    width=st.integers(1, 400),
    height=st.integers(1, 400),
)
def test_a_region_in_percent_hides_at_least_its_shares(
    shares: tuple[int, int, int, int], width: int, height: int
) -> None:
    left, top, right, bottom = shares
    borders = RegionBorders(left=left, top=top, right=right, bottom=bottom, are_percent=True)

    region = borders.region_in(Size(width, height))

    if borders.hide_everything():
        assert region.is_empty()
    if not region.is_empty():
        for hidden, share, length in (
            (region.x, left, width),
            (region.y, top, height),
            (width - region.right, right, width),
            (height - region.bottom, bottom, height),
        ):
            assert share * length <= 100 * hidden < share * length + 100
