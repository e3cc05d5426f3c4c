import trio

from kasmcore.config.schema import ServerConfig
from kasmcore.config.schema_desktop import PointerConfig
from kasmcore.interfaces.dlp import DlpFilter, Refusal
from kasmcore.values.clipboard import AllowedClipboard, ClipboardItem, ClipboardOffer
from kasmcore.values.permissions import VIEW_ONLY, Permission, User
from kasmcore.values.viewer_events import (
    ClipboardReceived,
    KeyEvent,
    KeysReleased,
    Ping,
    PointerButton,
    PointerMoved,
)
from kasmcore.values.viewer_updates import Farewell, Notice, PermissionsChanged, Pong
from tests.unit.session.desks import Desk, open_desk
from tests.unit.session.test_frames import settle

PRESS = KeyEvent(True, 0x61, "KeyA")
TEXT = ClipboardOffer((ClipboardItem("text/plain", b"hello"),))


def done(desk: Desk) -> list[tuple[int, object]]:
    """What reached the display: whose it was, and what."""
    return [(one.viewer_id, one.event) for one in desk.desktop.input.received]


async def test_keys_and_pointer_reach_the_display_in_order(autojump_clock):
    async with open_desk() as desk:
        viewer = await desk.join()
        events = [PRESS, PointerMoved(3, 4), PointerButton(1, True, 3, 4), KeysReleased()]
        for event in events:
            viewer.do(event)
        await settle()
        assert done(desk) == [(1, event) for event in events]


async def test_a_view_only_viewer_changes_nothing_and_is_told(autojump_clock):
    async with open_desk() as desk:
        viewer = await desk.join(VIEW_ONLY)
        for event in (PRESS, PointerMoved(3, 4), ClipboardReceived(TEXT)):
            viewer.do(event)
        await settle()
        assert done(desk) == []
        assert desk.desktop.clipboard.contents is None
        assert "view_only" in [n.topic for n in viewer.others if isinstance(n, Notice)]


async def test_rights_taken_away_count_at_once(autojump_clock):
    async with open_desk() as desk:
        viewer = await desk.join()
        desk.session.user_changed("user1", User("user1", VIEW_ONLY))
        viewer.do(PRESS)
        await settle()
        assert done(desk) == []
        assert PermissionsChanged(Permission.READ) in viewer.others
        assert 1 not in desk.desktop.input.held


async def test_what_a_viewer_holds_is_released_when_it_leaves(autojump_clock):
    async with open_desk() as desk:
        viewer, other = await desk.join(), await desk.join()
        viewer.do(PRESS)
        await settle()
        viewer.leave()
        await settle()
        assert 1 not in desk.desktop.input.held
        other.do(PRESS)
        await settle()
        assert done(desk)[-1] == (2, PRESS)


async def test_while_one_viewer_drags_the_others_pointers_rest(autojump_clock):
    async with open_desk() as desk:
        first, second = await desk.join(), await desk.join()
        first.do(PointerButton(1, True, 5, 5))
        await settle()
        second.do(PointerMoved(100, 100))
        second.do(PRESS)
        await settle()
        assert (2, PointerMoved(100, 100)) not in done(desk)
        assert (2, PRESS) in done(desk)
        first.do(PointerButton(1, False, 6, 6))
        await settle()
        second.do(PointerMoved(100, 100))
        await settle()
        assert (2, PointerMoved(100, 100)) in done(desk)


async def test_a_viewer_that_leaves_while_dragging_frees_the_pointer(autojump_clock):
    async with open_desk() as desk:
        first, second = await desk.join(), await desk.join()
        first.do(PointerButton(1, True, 5, 5))
        await settle()
        first.leave()
        await settle()
        second.do(PointerMoved(9, 9))
        await settle()
        assert (2, PointerMoved(9, 9)) in done(desk)


async def test_a_pointer_that_is_switched_off_does_nothing(autojump_clock):
    config = ServerConfig(pointer=PointerConfig(enabled=False))
    async with open_desk(config=config) as desk:
        viewer = await desk.join()
        for event in (PointerMoved(1, 1), PointerButton(1, True, 1, 1), PRESS):
            viewer.do(event)
        await settle()
        assert done(desk) == [(1, PRESS)]


async def test_filters_change_and_refuse_input(autojump_clock):
    class Swap(DlpFilter):
        def filter_input(self, event, viewer, now_s):
            if event == PRESS:
                return KeyEvent(True, 0x62, "KeyB")
            return Refusal("no_pointer", "The pointer is off.")

    async with open_desk(filters=(("swap", Swap()),)) as desk:
        viewer = await desk.join()
        viewer.do(PRESS)
        viewer.do(PointerMoved(1, 1))
        await settle()
        assert done(desk) == [(1, KeyEvent(True, 0x62, "KeyB"))]
        assert "no_pointer" in [n.topic for n in viewer.others if isinstance(n, Notice)]
        assert desk.session.refusals == 1


async def test_the_clipboard_goes_both_ways(autojump_clock):
    async with open_desk() as desk:
        viewer = await desk.join()
        desk.desktop.clipboard.offer_text("from the desktop")
        viewer.do(ClipboardReceived(TEXT))
        await settle()
        contents = AllowedClipboard((ClipboardItem("text/plain", b"from the desktop"),))
        assert contents in viewer.others
        assert desk.desktop.clipboard.contents == AllowedClipboard(TEXT.items)


async def test_a_filter_stops_the_clipboard_and_says_so(autojump_clock):
    class Closed(DlpFilter):
        def filter_clipboard(self, offer, direction, viewer, now_s):
            return Refusal("clipboard_off", "No clipboard here.")

    async with open_desk(filters=(("closed", Closed()),)) as desk:
        viewer = await desk.join()
        desk.desktop.clipboard.offer_text("secret")
        viewer.do(ClipboardReceived(TEXT))
        await settle()
        assert not any(isinstance(update, AllowedClipboard) for update in viewer.others)
        assert desk.desktop.clipboard.contents is None
        assert desk.session.refusals == 2


async def test_a_ping_is_answered(autojump_clock):
    async with open_desk() as desk:
        viewer = await desk.join()
        viewer.do(Ping(1234))
        await settle()
        assert Pong(1234) in viewer.others


async def test_one_viewers_fault_ends_only_that_viewer(autojump_clock):
    class Faulty(DlpFilter):
        def filter_input(self, event, viewer, now_s):
            if viewer.viewer_id == 1:
                raise ZeroDivisionError
            return event

    async with open_desk(filters=(("faulty", Faulty()),)) as desk:
        first, second = await desk.join(), await desk.join()
        first.do(PRESS)
        second.do(PRESS)
        await settle()
        assert len(desk.session.viewers) == 1
        assert done(desk) == [(2, PRESS)]


async def test_a_removed_user_is_told_and_leaves(autojump_clock):
    async with open_desk() as desk:
        viewer = await desk.join()
        desk.session.user_changed("user1", None)
        await settle()
        await trio.testing.wait_all_tasks_blocked()
        assert Farewell("This account was removed.", may_reconnect=False) in viewer.others
        assert len(desk.session.viewers) == 0
