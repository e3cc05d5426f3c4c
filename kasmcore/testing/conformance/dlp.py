"""What every DLP filter must hold, whatever viewers do."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kasmcore.config.schema import ServerConfig
from kasmcore.interfaces.dlp import DlpFilter, DlpFilterSpec, Refusal
from kasmcore.testing.pictures import photo_like
from kasmcore.values.clipboard import ClipboardDirection, ClipboardItem, ClipboardOffer
from kasmcore.values.geometry import Rectangle, Size
from kasmcore.values.permissions import FULL_PERMISSIONS, User, ViewerInfo
from kasmcore.values.viewer_events import (
    InputEvent,
    KeyEvent,
    KeysReleased,
    Locks,
    PointerButton,
    PointerMoved,
    TextTyped,
    WheelTurned,
)

COORDINATE = st.integers(0, 65535)
INPUT_EVENTS: st.SearchStrategy[InputEvent] = st.one_of(
    st.builds(
        KeyEvent,
        pressed=st.booleans(),
        keysym=st.integers(0, 2**32 - 1),
        code=st.sampled_from(["", "KeyA", "ControlLeft", "Enter", "F5", "Unidentified"]),
        locks=st.sampled_from(list(Locks)),
    ),
    st.builds(TextTyped, text=st.text(max_size=40)),
    st.just(KeysReleased()),
    st.builds(PointerMoved, x=COORDINATE, y=COORDINATE),
    st.builds(
        PointerButton,
        button=st.integers(1, 9),
        pressed=st.booleans(),
        x=COORDINATE,
        y=COORDINATE,
    ),
    st.builds(
        WheelTurned,
        dx=st.integers(-32768, 32767),
        dy=st.integers(-32768, 32767),
        x=COORDINATE,
        y=COORDINATE,
    ),
)
CLIPBOARD_OFFERS = st.builds(
    ClipboardOffer,
    items=st.lists(
        st.builds(
            ClipboardItem,
            mime=st.sampled_from(["text/plain", "text/html", "image/png", "", "no mime"]),
            data=st.binary(max_size=200),
        ),
        max_size=4,
    ).map(tuple),
)
GAPS_S = st.floats(0, 5, allow_nan=False)
EVENTS_IN_TIME = st.lists(st.tuples(GAPS_S, INPUT_EVENTS), max_size=30)
SETTINGS = settings(
    deadline=None,
    # Several subclasses share these tests; what one found is no example for another.
    suppress_health_check=[HealthCheck.differing_executors],
    database=None,
)
TOPIC = re.compile(r"[a-z][a-z0-9_]*")


def some_viewer(viewer_id: int = 1) -> ViewerInfo:
    """Return a viewer that may do everything."""
    return ViewerInfo(viewer_id, User("ada", FULL_PERMISSIONS), "192.0.2.7", "websocket")


class DlpConformance:
    """Subclass it, override ``make_spec``; and ``make_config``, so that the policy does something.

    Attributes:
        must_pass: input that this policy, so configured, leaves alone.
        must_refuse: input that it refuses.
    """

    must_pass: Sequence[InputEvent] = (PointerMoved(1, 1), KeysReleased())
    must_refuse: Sequence[InputEvent] = ()

    def make_spec(self) -> DlpFilterSpec:
        """Return the spec under test."""
        raise NotImplementedError("override make_spec")

    def make_config(self) -> ServerConfig:
        """Return settings under which the policy does something."""
        return ServerConfig()

    def make_filter(self) -> DlpFilter:
        """Return a fresh filter."""
        return self.make_spec().factory(self.make_config())

    def test_the_default_settings_make_a_filter(self) -> None:
        assert isinstance(self.make_spec().factory(ServerConfig()), DlpFilter)

    def test_the_spec_says_whether_frames_are_masked(self) -> None:
        if self.make_spec().masks_frames:
            assert type(self.make_filter()).filter_frame is not DlpFilter.filter_frame

    def test_what_the_policy_is_not_about_passes_unchanged(self) -> None:
        for event in self.must_pass:
            assert self.make_filter().filter_input(event, some_viewer(), 0.0) == event

    def test_what_the_policy_forbids_is_refused(self) -> None:
        for event in self.must_refuse:
            assert isinstance(self.make_filter().filter_input(event, some_viewer(), 0.0), Refusal)

    @given(events=EVENTS_IN_TIME)
    @SETTINGS
    def test_any_input_gets_an_event_or_a_refusal_with_a_topic(
        self, events: list[tuple[float, InputEvent]]
    ) -> None:
        for result in self._run(self.make_filter(), events, 100.0):
            if isinstance(result, Refusal):
                assert TOPIC.fullmatch(result.topic)
            else:
                assert isinstance(result, InputEvent)

    @given(offers=st.lists(CLIPBOARD_OFFERS, max_size=8), gap_s=GAPS_S)
    @SETTINGS
    def test_any_clipboard_gets_no_more_than_was_offered_or_a_refusal_with_a_topic(
        self, offers: list[ClipboardOffer], gap_s: float
    ) -> None:
        policy = self.make_filter()
        for number, offer in enumerate(offers):
            for direction in ClipboardDirection:
                result = policy.filter_clipboard(offer, direction, some_viewer(), number * gap_s)
                if isinstance(result, Refusal):
                    assert TOPIC.fullmatch(result.topic)
                else:
                    assert {item.mime for item in result.items} <= {i.mime for i in offer.items}

    @given(before=EVENTS_IN_TIME, after=EVENTS_IN_TIME)
    @SETTINGS
    def test_a_viewer_that_left_is_forgotten(
        self,
        before: list[tuple[float, InputEvent]],
        after: list[tuple[float, InputEvent]],
    ) -> None:
        used = self.make_filter()
        self._run(used, before, 100.0)
        used.viewer_left(some_viewer())
        used.viewer_left(some_viewer())
        now_s = 100.0 + sum(gap for gap, _ in before)
        assert self._run(used, after, now_s) == self._run(self.make_filter(), after, now_s)

    @given(
        width=st.integers(1, 90),
        height=st.integers(1, 70),
        edges=st.tuples(*[st.integers(0, 90)] * 4),
    )
    @SETTINGS
    def test_masking_twice_is_masking_once(
        self, width: int, height: int, edges: tuple[int, int, int, int]
    ) -> None:
        if not self.make_spec().masks_frames:
            return
        policy = self.make_filter()
        whole = Rectangle(0, 0, width, height)
        pixels = photo_like(Size(width, height))
        policy.filter_frame(pixels, [whole])
        once = pixels.copy()
        changed = Rectangle.from_edges(*edges).intersection(whole)
        policy.filter_frame(pixels, [] if changed.is_empty() else [changed])
        assert np.array_equal(pixels, once)

    def _run(
        self, policy: DlpFilter, events: list[tuple[float, InputEvent]], now_s: float
    ) -> list[InputEvent | Refusal]:
        results = []
        for gap_s, event in events:
            now_s += gap_s
            results.append(policy.filter_input(event, some_viewer(), now_s))
        return results
