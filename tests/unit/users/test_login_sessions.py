"""Logins kept by cookie; time is what the test says it is."""

from __future__ import annotations

from kasmcore.users.login_sessions import LoginSessions, new_session_token, session_key
from kasmcore.values.permissions import VIEW_ONLY, User

ANN, BOB = User("ann", VIEW_ONLY), User("bob", VIEW_ONLY)


def test_a_session_lasts_for_its_lifetime() -> None:
    sessions = LoginSessions(lifetime_s=60)
    sessions.open("token", ANN, None, now_s=100)
    found = sessions.find(session_key("token"), now_s=159.9)
    assert found is not None
    assert found.user == ANN
    assert sessions.find(session_key("token"), now_s=160) is None


def test_a_closed_session_is_gone() -> None:
    sessions = LoginSessions(lifetime_s=60)
    sessions.open("token", ANN, None, now_s=0)
    sessions.close(session_key("token"))
    sessions.close(session_key("token"))
    assert sessions.find(session_key("token"), now_s=1) is None


def test_the_table_does_not_hold_what_a_cookie_needs() -> None:
    sessions = LoginSessions(lifetime_s=60)
    token = new_session_token()
    sessions.open(token, ANN, "hash", now_s=0)
    assert token not in repr(sessions)
    assert sessions.find(token, now_s=1) is None


def test_tokens_are_long_and_differ() -> None:
    tokens = {new_session_token() for _ in range(100)}
    assert len(tokens) == 100
    assert min(map(len, tokens)) == 43  # 256 bits, 6 a character


def test_a_user_who_logs_in_for_ever_only_ends_own_sessions() -> None:
    sessions = LoginSessions(lifetime_s=60, maximum_per_user=3)
    sessions.open("bob's", BOB, None, now_s=0)
    for number in range(10):
        sessions.open(f"token {number}", ANN, None, now_s=1)
    alive = [n for n in range(10) if sessions.find(session_key(f"token {n}"), now_s=2)]
    assert alive == [7, 8, 9]
    assert sessions.find(session_key("bob's"), now_s=2) is not None


def test_the_table_is_bounded_and_forgets_the_oldest() -> None:
    sessions = LoginSessions(lifetime_s=60, maximum=5)
    for number in range(20):
        sessions.open(f"token {number}", User(f"user {number}", VIEW_ONLY), None, now_s=0)
    alive = [n for n in range(20) if sessions.find(session_key(f"token {n}"), now_s=1)]
    assert alive == [15, 16, 17, 18, 19]


def test_ended_sessions_make_room() -> None:
    sessions = LoginSessions(lifetime_s=60, maximum=2)
    sessions.open("old", ANN, None, now_s=0)
    sessions.open("new", BOB, None, now_s=59)
    sessions.open("newest", ANN, None, now_s=61)
    assert sessions.find(session_key("new"), now_s=62) is not None
    assert sessions.find(session_key("newest"), now_s=62) is not None
