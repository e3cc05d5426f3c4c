"""The pacer on a model of a link: what it does with rates, delays, losses and changes."""

from hypothesis import given, settings
from hypothesis import strategies as st

from kasmcore.pipeline.pacing import Preference
from tests.unit.pipeline.link_model import INTERVAL_S, TARGET_QUEUE_S, Model

MBIT = 1e6 / 8
TARGET_SLACK_S = 0.03
"""A frame's own size and a step up of the rate may exceed the target for a moment."""

round_trips_s = st.floats(0.001, 0.2)
rates = st.floats(3 * MBIT, 100 * MBIT)
seeds = st.integers(0, 1000)


def share(values: list[float], limit: float) -> float:
    """How many of the values are within the limit."""
    return sum(value <= limit for value in values) / len(values)


def waits_s(model: Model, since_s: float) -> list[float]:
    return [f.waited_s for f in model.sent_since(since_s) if f.waited_s is not None]


def longest_gap_s(model: Model, since_s: float) -> float:
    shown = [since_s] + [f.shown_s for f in model.shown_between(since_s, model.now_s)]
    return max(b - a for a, b in zip(shown, [*shown[1:], model.now_s], strict=True))


@settings(max_examples=25, deadline=None)
@given(rates, round_trips_s, seeds, st.booleans())
def test_the_queue_stays_short_and_the_link_is_used(rate, round_trip_s, seed, path_is_known):
    model = Model(rate, round_trip_s, seed=seed, path_round_trip_is_known=path_is_known)
    model.run(8)
    assert share(waits_s(model, 4), TARGET_QUEUE_S + TARGET_SLACK_S) >= 0.9
    wanted = min(rate, model.natural_bytes / INTERVAL_S)
    assert model.goodput(4) >= 0.75 * wanted
    assert longest_gap_s(model, 4) < 0.5


@settings(max_examples=25, deadline=None)
@given(st.floats(0.3 * MBIT, 3 * MBIT), round_trips_s, seeds)
def test_a_very_slow_link_starves_nobody(rate, round_trip_s, seed):
    model = Model(rate, round_trip_s, seed=seed).run(8)
    assert longest_gap_s(model, 3) < 1.5
    assert model.goodput(3) >= 0.7 * rate


@settings(max_examples=25, deadline=None)
@given(st.floats(0.001, 0.04), st.floats(5, 10), seeds)
def test_a_drop_of_the_rate_is_recovered_from_in_a_second(round_trip_s, factor, seed):
    model = Model(20 * MBIT, round_trip_s, seed=seed).run(4)
    model.bytes_per_s /= factor
    model.run(1)
    recovered_s = model.now_s
    model.run(1)
    assert share(waits_s(model, recovered_s), 2 * TARGET_QUEUE_S) >= 0.9
    assert model.goodput(recovered_s) >= 0.7 * model.bytes_per_s


@settings(max_examples=10, deadline=None)
@given(st.floats(0.04, 0.12), seeds)
def test_on_a_long_way_a_drop_takes_as_long_as_what_was_on_its_way(round_trip_s, seed):
    model = Model(20 * MBIT, round_trip_s, seed=seed).run(4)
    on_the_way = model.pacer.bytes_in_flight
    model.bytes_per_s = 2 * MBIT
    model.run(on_the_way / model.bytes_per_s + 3 * round_trip_s + 0.2)
    recovered_s = model.now_s
    model.run(1)
    assert share(waits_s(model, recovered_s), 2 * TARGET_QUEUE_S) >= 0.9


@settings(max_examples=25, deadline=None)
@given(st.floats(0.001, 0.12), st.floats(2, 10), seeds)
def test_a_rise_of_the_rate_is_used_within_three_seconds(round_trip_s, factor, seed):
    model = Model(2 * MBIT, round_trip_s, seed=seed).run(5)
    model.bytes_per_s *= factor
    model.run(3)
    risen_s = model.now_s
    model.run(1)
    assert model.goodput(risen_s) >= 0.8 * model.bytes_per_s


@settings(max_examples=15, deadline=None)
@given(st.floats(0.02, 0.1), st.floats(0.001, 0.01), seeds)
def test_lost_packets_do_not_talk_the_rate_down(round_trip_s, loss, seed):
    model = Model(5 * MBIT, round_trip_s, loss=loss, seed=seed).run(10)
    assert model.goodput(3) >= 0.6 * model.bytes_per_s
    assert longest_gap_s(model, 3) < 0.7


def test_a_link_that_is_never_busy_is_not_taken_for_any_rate():
    """A video of 1.5 Mbit/s on 5 Mbit/s; then a large change: it must not take seconds."""
    model = Model(5 * MBIT, 0.02, natural_bytes=6250, content_interval_s=1 / 30).run(6)
    patient_bytes = round(0.1 * model.pacer.bytes_per_s)
    change = model.send(patient_bytes)
    model.run(2)
    assert change.shown_s - change.sent_s < 1.0


def test_a_fast_link_that_is_never_busy_keeps_the_quality_up():
    model = Model(1000 * MBIT, 0.001, natural_bytes=200_000).run(1)
    assert model.goodput(0.5) >= 0.95 * 200_000 * 0.7 / INTERVAL_S
    assert model.pacer.frame_budget_bytes() > 250_000


def test_a_viewer_that_decodes_slowly_gets_fewer_frames_but_no_queue():
    model = Model(1000 * MBIT, 0.001, decode_s=0.04).run(5)
    shown = model.shown_between(2, 5)
    assert len(shown) >= 3 * 0.9 / 0.04
    assert max(f.shown_s - f.sent_s for f in shown) < 3 * 0.04


def test_a_frozen_viewer_gets_nothing_more():
    model = Model(5 * MBIT, 0.02).run(2)
    model.bytes_per_s = 0
    model.run(0.5)
    sent = len(model.frames)
    model.run(20)
    assert len(model.frames) == sent


def test_frames_are_sharper_and_rarer_as_preferred():
    def shown(preference: Preference) -> tuple[int, float]:
        model = Model(5 * MBIT, 0.03, natural_bytes=200_000, preference=preference)
        frames = model.run(6).shown_between(3, 6)
        return len(frames), sum(f.payload_bytes for f in frames) / len(frames)

    (often, blurred), (sometimes, better), (seldom, sharp) = map(shown, Preference)
    assert often > 1.5 * sometimes > 1.5 * seldom > 9
    assert blurred < better / 1.5 < sharp / 2


def test_typing_overtakes_a_video_that_fills_the_link():
    model, typed = Model(5 * MBIT, 0.08).run(4), []

    def type_and_show() -> None:
        if round(model.now_s / 0.001) % 200 == 0:
            model.pacer.note_input(model.now_s)
        if model.pacer.may_only_overtake and model.pacer.has_credit():
            typed.append(model.send(600))

    model.run(6, type_and_show)
    assert len(typed) >= 20
    late = [f.shown_s - f.sent_s for f in typed if f.shown_s < 1e8]
    assert share(late, 0.04 + TARGET_QUEUE_S + TARGET_SLACK_S) >= 0.95
