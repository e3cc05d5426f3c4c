from math import inf

from kasmcore.pipeline.pacing import Pacer, Preference


def pacer() -> Pacer:
    return Pacer(frames_in_flight=2, target_queue_s=0.05, frame_interval_s=1 / 60)


def test_credit_ends_with_the_frames_in_flight_and_returns_with_an_acknowledgement():
    paced = pacer()
    paced.sent(1, 1000, 0.0)
    assert paced.has_credit()
    paced.sent(2, 1000, 0.01)
    assert not paced.has_credit()
    assert paced.shown(1, 0.02, 0.0)
    assert paced.has_credit()


def test_one_acknowledgement_covers_the_frames_before_it():
    paced = pacer()
    paced.sent(1, 1000, 0.0)
    paced.sent(2, 1000, 0.01)
    assert paced.shown(2, 0.03, 0.0)
    assert paced.in_flight == 0


def test_an_acknowledgement_of_an_unknown_frame_changes_nothing():
    paced = pacer()
    paced.sent(1, 1000, 0.0)
    assert not paced.shown(7, 0.02, 0.0)
    assert paced.in_flight == 1


def test_a_long_link_gets_more_frames_in_flight():
    paced = pacer()
    for serial in range(1, 20):
        paced.sent(serial, 1000, serial / 10)
        paced.shown(serial, serial / 10 + 0.08, 0.0)
    in_flight = 0
    while paced.has_credit():
        in_flight += 1
        paced.sent(100 + in_flight, 1000, 3.0)
    assert 5 <= in_flight <= 8


def test_a_queue_in_the_network_takes_credit_away():
    paced = pacer()
    paced.sent(1, 100, 0.0)
    paced.shown(1, 0.01, 0.0)
    paced.sent(2, 20_000, 1.0)
    paced.sent(3, 20_000, 1.0)
    paced.shown(2, 1.2, 0.0)
    paced.shown(3, 1.4, 0.0)
    assert paced.queue_s > 0.05
    paced.sent(4, 1000, 2.0)
    paced.sent(5, 1000, 2.0)
    assert not paced.has_credit()


def test_time_that_the_viewer_takes_to_show_is_not_the_networks():
    paced = pacer()
    paced.sent(1, 1000, 0.0)
    paced.shown(1, 0.1, viewer_s=0.09)
    assert abs(paced.round_trip_s - 0.01) < 1e-9


def test_the_rate_of_a_slow_link_is_learnt_and_shrinks_the_frame_budget():
    paced, now_s = pacer(), 0.0
    paced.sent(1, 100, now_s)
    paced.shown(1, now_s + 0.001, 0.0)
    fast = paced.frame_budget_bytes()
    for serial in range(2, 30):  # 625 kB/s: each frame of 62.5 kB takes 0.1 s
        paced.sent(serial, 62_500, now_s)
        now_s += 0.1
        paced.shown(serial, now_s, 0.0)
    assert 500_000 < paced.bytes_per_s < 800_000
    assert paced.frame_budget_bytes() < fast / 2


def test_a_frame_after_a_pause_may_be_larger_but_not_by_the_whole_pause():
    paced = slow_pacer()
    soon = paced.frame_budget_bytes()
    paced.advance(100.0)
    assert 1.5 * soon < paced.frame_budget_bytes() < 3 * soon


def slow_pacer() -> Pacer:
    """On a link of 625 kB/s and 10 ms that has been busy until 2.0 s; nothing is in flight."""
    paced = pacer()
    paced.sent(1, 100, 0.0)
    paced.shown(1, 0.01, 0.0)
    for serial in range(2, 20):
        paced.sent(serial, 62_500, serial / 10)
        paced.shown(serial, serial / 10 + 0.1, 0.0)
    return paced


def test_the_effect_of_input_may_overtake_what_is_in_flight_but_only_once():
    paced = slow_pacer()
    paced.sent(100, 62_500, 2.0)
    assert not paced.has_credit()
    paced.note_input(2.01)
    assert paced.has_credit()
    assert paced.may_only_overtake
    paced.sent(101, 500, 2.02)
    assert not paced.has_credit()
    paced.shown(100, 2.1, 0.0)
    paced.shown(101, 2.1, 0.0)
    paced.sent(102, 62_500, 2.11)
    assert paced.has_credit()  # again, for the same input


def test_input_of_long_ago_overtakes_nothing():
    paced = slow_pacer()
    paced.sent(100, 62_500, 2.0)
    paced.note_input(2.0)
    paced.advance(2.05)
    assert paced.has_credit()
    paced.advance(2.6)
    assert not paced.has_credit()


def test_credit_is_due_when_the_queue_will_be_short_again_or_never_without_acknowledgements():
    paced = slow_pacer()
    paced.sent(100, 12_500, 2.0)
    paced.sent(101, 12_500, 2.0)
    paced.sent(102, 12_500, 2.0)
    assert paced.credit_due_s() == inf  # more than fits the link's length and queue
    paced.shown(102, 2.07, 0.0)
    paced.sent(103, 25_000, 2.1)
    assert not paced.has_credit()
    due_s = paced.credit_due_s()
    assert 2.1 < due_s < 2.15
    paced.advance(due_s + 0.001)
    assert paced.has_credit()


def test_an_overdue_acknowledgement_lowers_the_rate_before_it_comes():
    paced = slow_pacer()
    before = paced.bytes_per_s
    paced.sent(100, 62_500, 2.0)
    paced.advance(2.1)
    assert paced.bytes_per_s == before
    paced.advance(3.0)
    assert paced.bytes_per_s < before / 4
    assert not paced.has_credit()


def test_a_viewer_where_frames_wait_gets_one_at_a_time():
    paced = pacer()
    for serial in range(1, 60):
        paced.sent(serial, 1000, serial / 50)
        paced.shown(serial, serial / 50 + 0.001, 0.0, queued=3)
    paced.sent(100, 1000, 2.0)
    assert not paced.has_credit()


def test_sharp_frames_are_larger_and_rarer_than_smooth_ones():
    def budget(preference: Preference) -> float:
        paced = slow_pacer()
        paced.preference = preference
        return paced.frame_budget_bytes()

    smooth, balanced, sharp = map(budget, Preference)
    assert 2 * smooth < balanced < sharp
