from __future__ import annotations

import kasmcore_clipboard_policy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kasmcore.api import (
    ClipboardDirection,
    ClipboardItem,
    ClipboardOffer,
    DlpFilter,
    Refusal,
    ServerConfig,
    User,
    ViewerInfo,
)
from kasmcore.config.schema_dlp import (
    ClientToServerConfig,
    ClipboardConfig,
    DataLossPreventionConfig,
    ServerToClientConfig,
)
from kasmcore.values.permissions import FULL_PERMISSIONS

ANNA = ViewerInfo(1, User("anna", FULL_PERMISSIONS), "192.0.2.1", "websocket")
BORIS = ViewerInfo(2, User("boris", FULL_PERMISSIONS), "192.0.2.2", "websocket")
TO, FROM = ClipboardDirection.TO_VIEWER, ClipboardDirection.FROM_VIEWER
TEXT = ClipboardItem("text/plain", b"hello")
HTML = ClipboardItem("text/html", b"<b>hello</b>")
PNG = ClipboardItem("image/png", bytes(1000))
ZIP = ClipboardItem("application/zip", bytes(10))


def policy(clipboard: ClipboardConfig | None = None) -> DlpFilter:
    (spec,) = kasmcore_clipboard_policy.kasmcore_register_dlp_filters()
    assert spec.name == "clipboard_policy"
    settings = DataLossPreventionConfig(clipboard=clipboard or ClipboardConfig())
    return spec.factory(ServerConfig(data_loss_prevention=settings))


def offer(*items: ClipboardItem) -> ClipboardOffer:
    return ClipboardOffer(items)


def topic(verdict: ClipboardOffer | Refusal) -> str:
    assert isinstance(verdict, Refusal)
    assert verdict.text
    return verdict.topic


@pytest.mark.parametrize("direction", [TO, FROM])
def test_the_default_lets_text_html_and_png_pass(direction: ClipboardDirection) -> None:
    whole = offer(TEXT, HTML, PNG)

    assert policy().filter_clipboard(whole, direction, ANNA, 0.0) is whole


@pytest.mark.parametrize("direction", [TO, FROM])
def test_types_that_are_not_allowed_are_left_out(direction: ClipboardDirection) -> None:
    verdict = policy().filter_clipboard(offer(ZIP, TEXT), direction, ANNA, 0.0)

    assert verdict == offer(TEXT)


def test_text_passes_even_when_no_type_is_allowed() -> None:
    clipboard = policy(ClipboardConfig(allow_mimetypes=()))
    text = ClipboardItem("text/plain;charset=utf-8", "žluťoučký".encode())

    assert clipboard.filter_clipboard(offer(text, HTML), FROM, ANNA, 0.0) == offer(text)


def test_a_type_is_recognised_in_any_case_and_with_parameters() -> None:
    clipboard = policy(ClipboardConfig(allow_mimetypes=("Text/HTML",)))
    html = ClipboardItem("text/html; charset=utf-8", b"<p>")

    assert clipboard.filter_clipboard(offer(html), TO, ANNA, 0.0) == offer(html)


def test_contents_without_an_allowed_type_are_refused() -> None:
    verdict = policy().filter_clipboard(offer(ZIP), TO, ANNA, 0.0)

    assert topic(verdict) == "clipboard_type"
    assert isinstance(verdict, Refusal)
    assert "application/zip" in verdict.text


def test_an_empty_offer_is_refused() -> None:
    assert topic(policy().filter_clipboard(offer(), FROM, ANNA, 0.0)) == "clipboard_type"


@pytest.mark.parametrize(("closed", "open_"), [(TO, FROM), (FROM, TO)])
def test_each_direction_has_its_own_switch(
    closed: ClipboardDirection, open_: ClipboardDirection
) -> None:
    clipboard = policy(
        ClipboardConfig(
            server_to_client=ServerToClientConfig(enabled=closed is not TO),
            client_to_server=ClientToServerConfig(enabled=closed is not FROM),
        )
    )

    assert topic(clipboard.filter_clipboard(offer(TEXT), closed, ANNA, 0.0)) == "clipboard_disabled"
    assert clipboard.filter_clipboard(offer(TEXT), open_, ANNA, 0.0) == offer(TEXT)


@pytest.mark.parametrize(("limited", "free"), [(TO, FROM), (FROM, TO)])
def test_items_over_the_size_of_their_direction_are_left_out(
    limited: ClipboardDirection, free: ClipboardDirection
) -> None:
    clipboard = policy(
        ClipboardConfig(
            server_to_client=ServerToClientConfig(size=12 if limited is TO else None),
            client_to_server=ClientToServerConfig(size=12 if limited is FROM else None),
        )
    )

    verdict = clipboard.filter_clipboard(offer(TEXT, HTML, PNG), limited, ANNA, 0.0)
    assert verdict == offer(TEXT, HTML)  # 5 and 12 bytes; the picture has 1000
    refusal = clipboard.filter_clipboard(offer(PNG), limited, ANNA, 0.0)
    assert topic(refusal) == "clipboard_too_large"
    assert clipboard.filter_clipboard(offer(PNG), free, ANNA, 0.0) == offer(PNG)


def test_what_leaves_too_soon_is_refused_and_not_kept() -> None:
    clipboard = policy(ClipboardConfig(delay_between_operations=2000))

    verdicts = [
        isinstance(clipboard.filter_clipboard(offer(TEXT), TO, ANNA, now_s), ClipboardOffer)
        for now_s in (0.0, 1.0, 1.9, 2.0, 3.9, 4.1)
    ]

    assert verdicts == [True, False, False, True, False, True]


def test_the_refusal_of_a_second_copy_says_how_long_to_wait() -> None:
    clipboard = policy(ClipboardConfig(delay_between_operations=2500))
    clipboard.filter_clipboard(offer(TEXT), TO, ANNA, 0.0)

    verdict = clipboard.filter_clipboard(offer(TEXT), TO, ANNA, 1.0)

    assert topic(verdict) == "clipboard_too_soon"
    assert isinstance(verdict, Refusal)
    assert "2.5 s" in verdict.text


def test_what_was_refused_does_not_start_the_clock() -> None:
    config = ClipboardConfig(
        delay_between_operations=1000, server_to_client=ServerToClientConfig(size=100)
    )
    clipboard = policy(config)

    assert topic(clipboard.filter_clipboard(offer(PNG), TO, ANNA, 0.0)) == "clipboard_too_large"
    assert clipboard.filter_clipboard(offer(TEXT), TO, ANNA, 0.1) == offer(TEXT)


def test_the_delay_is_for_each_viewer_and_not_for_what_comes_in() -> None:
    clipboard = policy(ClipboardConfig(delay_between_operations=60_000))

    for now_s in (0.0, 0.1):
        assert clipboard.filter_clipboard(offer(TEXT), FROM, ANNA, now_s) == offer(TEXT)
    assert clipboard.filter_clipboard(offer(TEXT), TO, ANNA, 0.2) == offer(TEXT)
    assert clipboard.filter_clipboard(offer(TEXT), TO, BORIS, 0.3) == offer(TEXT)


def test_a_viewer_that_left_is_forgotten() -> None:
    clipboard = policy(ClipboardConfig(delay_between_operations=60_000))
    clipboard.filter_clipboard(offer(TEXT), TO, ANNA, 0.0)

    clipboard.viewer_left(ANNA)
    clipboard.viewer_left(BORIS)

    assert clipboard.filter_clipboard(offer(TEXT), TO, ANNA, 0.1) == offer(TEXT)


@given(
    items=st.lists(st.sampled_from([TEXT, HTML, PNG, ZIP]), max_size=6).map(tuple),
    size=st.none() | st.integers(1, 1200),
    mimes=st.lists(st.sampled_from(["text/html", "image/png"]), unique=True).map(tuple),
)
def test_nothing_passes_that_the_settings_forbid(
    items: tuple[ClipboardItem, ...], size: int | None, mimes: tuple[str, ...]
) -> None:
    config = ClipboardConfig(
        allow_mimetypes=mimes, client_to_server=ClientToServerConfig(size=size)
    )

    verdict = policy(config).filter_clipboard(ClipboardOffer(items), FROM, ANNA, 0.0)

    expected = tuple(
        item
        for item in items
        if item.mime in {"text/plain", *mimes} and (size is None or len(item.data) <= size)
    )
    if expected:
        assert verdict == ClipboardOffer(expected)
    else:
        assert isinstance(verdict, Refusal)
