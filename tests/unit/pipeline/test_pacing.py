from kasmcore.pipeline.pacing import Pacer


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
    paced.sent(1, 1000, 0.0)
    paced.shown(1, 0.01, 0.0)
    paced.sent(2, 1000, 1.0)
    paced.shown(2, 1.2, 0.0)
    assert paced.queue_s > 0.05
    paced.sent(3, 1000, 2.0)
    assert not paced.has_credit()


def test_time_that_the_viewer_takes_to_show_is_not_the_networks():
    paced = pacer()
    paced.sent(1, 1000, 0.0)
    paced.shown(1, 0.1, present_s=0.09)
    assert abs(paced.round_trip_s - 0.01) < 1e-9


def test_the_rate_of_a_slow_link_is_learnt_and_shrinks_the_frame_budget():
    paced, fast = pacer(), pacer().frame_budget_bytes()
    now_s = 0.0
    for serial in range(1, 30):  # 625 kB/s: each frame of 62.5 kB takes 0.1 s
        paced.sent(serial, 62_500, now_s)
        now_s += 0.1
        paced.shown(serial, now_s, 0.0)
    assert 400_000 < paced.bytes_per_s < 1_600_000
    assert paced.frame_budget_bytes() < fast / 10
