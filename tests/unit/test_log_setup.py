"""No secret reaches a log, in any of the shapes in which one may be logged."""

import json
import logging
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kasmcore.log_setup import StderrHandler, hide_secrets, python_level, setup_logging

SECRET = "hunter2-Zq9"

SHAPES = [
    f"GET /api/login?user=bob&password={SECRET}&next=/ HTTP/1.1",
    f'GET /websocket?token={SECRET} HTTP/1.1" 101',
    f"Authorization: Basic {SECRET}",
    f"authorization: Bearer {SECRET}",
    f"Cookie: theme=dark; kasmcore_session={SECRET}",
    f"set-cookie: kasmcore_session={SECRET}; HttpOnly",
    f"headers={{'cookie': 'kasmcore_session={SECRET}'}}",
    f"[(b'authorization', b'Bearer {SECRET}'), (b'host', b'x')]",
    f'{{"username": "bob", "password": "{SECRET}"}}',
    f"User(name='bob', password='{SECRET}')",
    f"password: {SECRET}",
    f"KASMCORE_SECURITY_PASSWORD={SECRET}",
    f"turn credential: {SECRET}",
    f"https://bob:{SECRET}@desk.example/path",
    f"got Bearer {SECRET} from 10.0.0.1",
    f"hash $argon2id$v=19$m=65536,t=3,p=4${SECRET}",
    f"session_id={SECRET}",
]


@pytest.fixture(autouse=True)
def restored_root_logger() -> Iterator[None]:
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    root.setLevel(level)
    root.handlers[:] = handlers


@pytest.mark.parametrize("shape", SHAPES)
def test_a_secret_is_hidden_in_every_shape(shape: str) -> None:
    hidden = hide_secrets(shape)
    assert SECRET not in hidden
    assert "[hidden]" in hidden


@given(secret=st.text(alphabet=st.characters(categories=["L", "N"]), min_size=4), rest=st.text())
def test_a_password_in_a_query_is_hidden_whatever_follows(secret: str, rest: str) -> None:
    assert hide_secrets(f"?password={secret}&{rest}").startswith("?password=[hidden]&")


@given(st.text())
def test_hiding_twice_changes_nothing_more(text: str) -> None:
    once = hide_secrets(text)
    assert hide_secrets(once) == once


def test_plain_text_passes_unchanged() -> None:
    line = "viewer 3 joined from 10.0.0.1 over websocket, 1920x1080 at https://desk.example:8443/"
    assert hide_secrets(line) == line


def test_a_secret_in_arguments_and_traceback_is_hidden(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging(100, "text")
    try:
        raise ValueError(f"bad header Authorization: Basic {SECRET}")
    except ValueError:
        logging.getLogger("kasmcore.test").exception("request %s failed", f"?token={SECRET}")
    output = capsys.readouterr().err
    assert SECRET not in output
    assert "ValueError" in output


def test_a_text_line_has_time_level_logger_and_message(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging(30, "text")
    logging.getLogger("kasmcore.test").info("viewer %d joined", 3)
    time, level, logger, message = capsys.readouterr().err.strip().split(" ", 3)
    assert (time[10], time[-1]) == ("T", "Z")
    assert (level, logger, message) == ("INFO", "kasmcore.test", "viewer 3 joined")


def test_a_message_with_line_ends_stays_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging(30, "text")
    logging.getLogger("kasmcore.test").info("client says %s", "hi\nERROR fake \x1b[31m")
    output = capsys.readouterr().err
    assert output.count("\n") == 1
    assert "hi\\x0aERROR fake \\x1b[31m" in output


def test_a_json_line_holds_the_same_and_the_exception(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging(30, "json")
    try:
        raise KeyError("gone")
    except KeyError:
        logging.getLogger("kasmcore.test").exception('said "no" with password="%s"', SECRET)
    entry = json.loads(capsys.readouterr().err)
    assert entry["level"] == "ERROR"
    assert entry["logger"] == "kasmcore.test"
    assert entry["message"] == 'said "no" with password=[hidden]'
    assert "KeyError: 'gone'" in entry["exception"]


@pytest.mark.parametrize(
    ("kasmvnc_level", "level"),
    [
        (0, logging.ERROR),
        (10, logging.WARNING),
        (29, logging.WARNING),
        (30, logging.INFO),
        (99, logging.INFO),
        (100, logging.DEBUG),
    ],
)
def test_levels_keep_their_kasmvnc_meaning(kasmvnc_level: int, level: int) -> None:
    assert python_level(kasmvnc_level) == level


def test_setting_up_again_replaces_the_handler(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging(30, "text")
    setup_logging(0, "json")
    ours = [each for each in logging.getLogger().handlers if isinstance(each, StderrHandler)]
    assert len(ours) == 1
    logging.getLogger("kasmcore.test").warning("not at level 0")
    assert capsys.readouterr().err == ""
