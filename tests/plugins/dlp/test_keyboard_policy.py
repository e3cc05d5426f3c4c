from __future__ import annotations

import itertools

import kasmcore_keyboard_policy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kasmcore.api import (
    DlpFilter,
    InputEvent,
    KeyEvent,
    KeysReleased,
    PointerButton,
    PointerMoved,
    Refusal,
    ServerConfig,
    TextTyped,
    User,
    ViewerInfo,
    WheelTurned,
)
from kasmcore.config.schema_dlp import DataLossPreventionConfig, KeyboardPolicyConfig
from kasmcore.values.permissions import FULL_PERMISSIONS

ANNA = ViewerInfo(1, User("anna", FULL_PERMISSIONS), "192.0.2.1", "websocket")
BORIS = ViewerInfo(2, User("boris", FULL_PERMISSIONS), "192.0.2.2", "websocket")
PRESS = KeyEvent(pressed=True, keysym=0x61, code="KeyA")
RELEASE = KeyEvent(pressed=False, keysym=0x61, code="KeyA")


def policy(*, enabled: bool = True, rate_limit: int | None = None) -> DlpFilter:
    keyboard = KeyboardPolicyConfig(enabled=enabled, rate_limit=rate_limit)
    (spec,) = kasmcore_keyboard_policy.kasmcore_register_dlp_filters()
    assert spec.name == "keyboard_policy"
    assert not spec.masks_frames
    return spec.factory(
        ServerConfig(data_loss_prevention=DataLossPreventionConfig(keyboard=keyboard))
    )


def test_without_settings_everything_passes() -> None:
    keyboard = policy()

    for now_s in range(100):
        assert keyboard.filter_input(PRESS, ANNA, now_s / 1000) is PRESS


def test_a_switched_off_keyboard_refuses_presses_and_text() -> None:
    keyboard = policy(enabled=False)

    for event in (PRESS, TextTyped("日本")):
        refusal = keyboard.filter_input(event, ANNA, 0.0)
        assert isinstance(refusal, Refusal)
        assert refusal.topic == "keyboard_disabled"


@pytest.mark.parametrize(
    "event",
    [
        RELEASE,
        KeysReleased(),
        PointerMoved(1, 1),
        PointerButton(1, pressed=True, x=1, y=1),
        WheelTurned(0, 120, 1, 1),
        TextTyped(""),
    ],
)
def test_a_switched_off_keyboard_lets_releases_and_the_pointer_pass(event: InputEvent) -> None:
    assert policy(enabled=False).filter_input(event, ANNA, 0.0) is event


def test_each_viewer_is_told_once_and_then_refused_silently() -> None:
    keyboard = policy(enabled=False)

    for viewer in (ANNA, BORIS):
        texts = [keyboard.filter_input(PRESS, viewer, float(now_s)) for now_s in range(3)]
        assert [bool(refusal.text) for refusal in texts if isinstance(refusal, Refusal)] == [
            True,
            False,
            False,
        ]


def test_presses_above_the_limit_are_dropped_until_a_second_has_passed() -> None:
    keyboard = policy(rate_limit=2)

    verdicts = [
        keyboard.filter_input(PRESS, ANNA, now_s) is PRESS
        for now_s in (0.0, 0.1, 0.2, 0.9, 1.0, 1.05, 1.1)
    ]

    assert verdicts == [True, True, False, False, True, False, True]


def test_two_keys_at_once_pass_when_the_limit_has_room() -> None:
    keyboard = policy(rate_limit=20)
    shift = KeyEvent(pressed=True, keysym=0xFFE1, code="ShiftLeft")

    assert keyboard.filter_input(shift, ANNA, 0.0) is shift
    assert keyboard.filter_input(PRESS, ANNA, 0.001) is PRESS


def test_releases_neither_count_nor_delay_the_next_press() -> None:
    keyboard = policy(rate_limit=1)

    for now_s in range(10):
        assert keyboard.filter_input(PRESS, ANNA, float(now_s)) is PRESS
        assert keyboard.filter_input(RELEASE, ANNA, now_s + 0.99) is RELEASE


def test_viewers_do_not_share_a_limit() -> None:
    keyboard = policy(rate_limit=1)

    assert keyboard.filter_input(PRESS, ANNA, 0.0) is PRESS
    assert keyboard.filter_input(PRESS, BORIS, 0.0) is PRESS


def test_typed_text_is_cut_to_what_the_limit_leaves() -> None:
    keyboard = policy(rate_limit=5)

    assert keyboard.filter_input(TextTyped("abc"), ANNA, 0.0) == TextTyped("abc")
    assert keyboard.filter_input(TextTyped("defgh"), ANNA, 0.1) == TextTyped("de")
    refusal = keyboard.filter_input(TextTyped("x"), ANNA, 0.2)
    assert isinstance(refusal, Refusal)
    assert refusal.topic == "keyboard_rate_limit"


def test_a_viewer_that_left_is_forgotten() -> None:
    keyboard = policy(rate_limit=1)
    keyboard.filter_input(PRESS, ANNA, 0.0)

    keyboard.viewer_left(ANNA)
    keyboard.viewer_left(BORIS)

    assert keyboard.filter_input(PRESS, ANNA, 0.1) is PRESS


@given(
    limit=st.integers(1, 8),
    gaps_ms=st.lists(st.integers(0, 400), max_size=60),
)
def test_no_second_holds_more_presses_than_the_limit(limit: int, gaps_ms: list[int]) -> None:
    keyboard = policy(rate_limit=limit)
    times_s = [ms / 1000 for ms in itertools.accumulate(gaps_ms)]

    passed = [now for now in times_s if keyboard.filter_input(PRESS, ANNA, now) is PRESS]

    for start in passed:
        assert sum(start <= now < start + 1.0 for now in passed) <= limit
    assert len(passed) >= min(limit, len(times_s))
