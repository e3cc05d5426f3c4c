import ctypes

import trio

from kasmcore.cli.process_memory import return_unused_memory


async def test_memory_is_returned_once_when_frames_have_come_to_rest(autojump_clock, monkeypatch):
    returned_s = []
    autojump_clock.autojump_threshold = 0.02  # so that threads have their time
    clock, started_s = autojump_clock, trio.current_time()

    class Library:
        def malloc_trim(self, _pad):
            returned_s.append(clock.current_time() - started_s)

    monkeypatch.setattr(ctypes, "CDLL", lambda _name: Library())
    frames = 0
    async with trio.open_nursery() as nursery:
        nursery.start_soon(return_unused_memory, lambda: frames)
        await trio.sleep(60)
        assert returned_s == []
        for _ in range(20):
            frames += 1
            await trio.sleep(1)
        assert returned_s == []
        await trio.sleep(60)
        assert len(returned_s) == 1
        frames += 1
        await trio.sleep(60)
        assert len(returned_s) == 2
        nursery.cancel_scope.cancel()


async def test_where_the_c_library_keeps_nothing_nothing_is_done(autojump_clock, monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: object())
    await return_unused_memory(lambda: 1)
