"""The clipboard of a real X server, shared with real programs (xclip)."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from kasmcore_x11.clipboard import X11Clipboard
from kasmcore_x11.connection import open_display
from Xlib import X

from kasmcore.api import AllowedClipboard, CaptureEnded, ClipboardItem

from .conftest import XServer

pytestmark = pytest.mark.x11

TEXT = "text/plain"
MAXIMUM_BYTES = 4_000_000


@asynccontextmanager
async def open_clipboard(server: XServer) -> AsyncIterator[X11Clipboard]:
    clipboard = X11Clipboard(server.name, "", maximum_bytes=MAXIMUM_BYTES)
    async with trio.open_nursery() as nursery:
        await nursery.start(clipboard.run)
        yield clipboard
        nursery.cancel_scope.cancel()
    await clipboard.aclose()


async def xclip(server: XServer, *arguments: str) -> bytes:
    """What ``xclip -o`` prints, or nothing when it is refused."""
    done = await trio.run_process(
        ["xclip", "-o", *arguments],
        env=server.environment,
        capture_stdout=True,
        capture_stderr=True,
        check=False,
    )
    return done.stdout


def copy(server: XServer, data: bytes, *arguments: str) -> None:
    """Let xclip own the clipboard; it serves in the background until another takes it."""
    subprocess.run(
        ["xclip", "-i", "-selection", "clipboard", *arguments],
        input=data,
        env=server.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
        timeout=20,
    )


def allowed(**data_by_kind: bytes) -> AllowedClipboard:
    mimes = {"text": TEXT, "html": "text/html", "png": "image/png"}
    return AllowedClipboard(
        tuple(ClipboardItem(mimes[kind], data) for kind, data in data_by_kind.items())
    )


async def test_text_put_by_a_viewer_is_pasted_from_both_selections(x_server: XServer) -> None:
    text = "héllo €😀\n".encode() * 3
    async with open_clipboard(x_server) as clipboard:
        await clipboard.put(allowed(text=text))
        for selection in ("clipboard", "primary"):
            for target in ("UTF8_STRING", "text/plain;charset=utf-8", "TEXT"):
                assert await xclip(x_server, "-selection", selection, "-t", target) == text


async def test_old_programs_get_latin_1(x_server: XServer) -> None:
    async with open_clipboard(x_server) as clipboard:
        await clipboard.put(allowed(text="häßlich\r\nneu €".encode()))
        got = await xclip(x_server, "-selection", "clipboard", "-t", "STRING")
    assert got == "häßlich\nneu ?".encode("latin-1")


async def test_all_representations_of_a_viewers_clipboard_are_offered(x_server: XServer) -> None:
    async with open_clipboard(x_server) as clipboard:
        await clipboard.put(allowed(text=b"bold", html=b"<b>bold</b>", png=b"\x89PNG..."))
        targets = await xclip(x_server, "-selection", "clipboard", "-t", "TARGETS")
        html = await xclip(x_server, "-selection", "clipboard", "-t", "text/html")
        png = await xclip(x_server, "-selection", "clipboard", "-t", "image/png")
    assert {b"TARGETS", b"TIMESTAMP", b"UTF8_STRING", b"STRING", b"text/html", b"image/png"} <= set(
        targets.split()
    )
    assert (html, png) == (b"<b>bold</b>", b"\x89PNG...")


async def test_an_unknown_target_is_refused(x_server: XServer) -> None:
    async with open_clipboard(x_server) as clipboard:
        await clipboard.put(allowed(text=b"text"))
        assert await xclip(x_server, "-selection", "clipboard", "-t", "image/jpeg") == b""


async def test_large_contents_go_out_to_several_programs_at_once(x_server: XServer) -> None:
    text = os.urandom(1_500_000).hex().encode()
    got: list[bytes] = []

    async def paste() -> None:
        got.append(await xclip(x_server, "-selection", "clipboard", "-t", "UTF8_STRING"))

    async with open_clipboard(x_server) as clipboard:
        await clipboard.put(allowed(text=text))
        async with trio.open_nursery() as nursery:
            for _ in range(4):
                nursery.start_soon(paste)
    assert got == [text] * 4


async def test_a_program_that_leaves_in_the_middle_harms_no_other(x_server: XServer) -> None:
    text = b"x" * 3_000_000
    async with open_clipboard(x_server) as clipboard:
        await clipboard.put(allowed(text=text))
        gone = open_display(x_server.name, "")
        window = gone.screen().root.create_window(0, 0, 1, 1, 0, X.CopyFromParent)
        atom = gone.intern_atom
        window.convert_selection(atom("CLIPBOARD"), atom("UTF8_STRING"), atom("P"), X.CurrentTime)
        gone.close()
        got = await xclip(x_server, "-selection", "clipboard", "-t", "UTF8_STRING")
    assert got == text


async def test_what_a_program_copies_is_offered(x_server: XServer) -> None:
    async with open_clipboard(x_server) as clipboard:
        copy(x_server, "копия 日本 😀".encode())
        offer = await clipboard.next_offer()
    assert offer.items == (ClipboardItem(TEXT, "копия 日本 😀".encode()),)


async def test_large_contents_are_read_piece_by_piece(x_server: XServer) -> None:
    text = os.urandom(1_000_000).hex().encode()
    async with open_clipboard(x_server) as clipboard:
        copy(x_server, text)
        offer = await clipboard.next_offer()
    assert offer.items == (ClipboardItem(TEXT, text),)


async def test_an_image_is_offered_as_it_is(x_server: XServer) -> None:
    png = b"\x89PNG\r\n\x1a\n" + os.urandom(100_000)
    async with open_clipboard(x_server) as clipboard:
        copy(x_server, png, "-t", "image/png")
        offer = await clipboard.next_offer()
    assert offer.items == (ClipboardItem("image/png", png),)


async def test_contents_over_the_limit_are_not_read(x_server: XServer) -> None:
    async with open_clipboard(x_server) as clipboard:
        copy(x_server, b"x" * (MAXIMUM_BYTES + 1))
        copy(x_server, b"small")
        offer = await clipboard.next_offer()
    assert offer.items == (ClipboardItem(TEXT, b"small"),)


async def test_what_a_viewer_put_is_never_offered_back(x_server: XServer) -> None:
    async with open_clipboard(x_server) as clipboard:
        await clipboard.put(allowed(text=b"from the viewer"))
        copy(x_server, b"from the viewer")  # as a clipboard manager does
        copy(x_server, b"from a program")
        offer = await clipboard.next_offer()
    assert offer.items == (ClipboardItem(TEXT, b"from a program"),)


async def test_the_newest_of_several_offers_is_given(x_server: XServer) -> None:
    async with open_clipboard(x_server) as clipboard:
        for number in range(5):
            copy(x_server, b"%d" % number)
        while (await clipboard.next_offer()).items[0].data != b"4":
            pass


async def test_an_owner_that_never_answers_does_not_hold_up_the_next_one(
    x_server: XServer,
) -> None:
    async with open_clipboard(x_server) as clipboard:
        dead = open_display(x_server.name, "")
        window = dead.screen().root.create_window(0, 0, 1, 1, 0, X.CopyFromParent)
        window.set_selection_owner(dead.intern_atom("CLIPBOARD"), X.CurrentTime)
        dead.sync()
        await clipboard.put(allowed(text=b"put meanwhile"))
        assert await xclip(x_server, "-selection", "clipboard") == b"put meanwhile"
        window.set_selection_owner(dead.intern_atom("CLIPBOARD"), X.CurrentTime)
        dead.sync()
        copy(x_server, b"alive")
        offer = await clipboard.next_offer()
        dead.close()
    assert offer.items == (ClipboardItem(TEXT, b"alive"),)


async def test_an_empty_put_lets_the_clipboard_go(x_server: XServer) -> None:
    async with open_clipboard(x_server) as clipboard:
        await clipboard.put(allowed(text=b"secret"))
        await clipboard.put(AllowedClipboard(()))
        assert await xclip(x_server, "-selection", "clipboard") == b""


async def test_the_end_of_the_display_ends_the_waiting(x_server: XServer) -> None:
    async with open_clipboard(x_server) as clipboard:
        x_server.process.terminate()
        with pytest.raises(CaptureEnded):
            await clipboard.next_offer()
        with pytest.raises(CaptureEnded):
            await clipboard.put(allowed(text=b"too late"))
