"""Encoders of video streams: one list with those of images, a self-test of their own."""

import textwrap
from pathlib import Path

import pytest

from kasmcore.plugin_manager import PluginCondition
from tests.unit.plugin_folder import BASE, Folder, encoder_plugin

STREAM = """
class Stream:
    def __init__(self, settings):
        self.settings = settings
    def encode(self, pixels, *, key_frame):
        return StreamPacket(pixels.tobytes(), is_key=True)
    def reconfigure(self, settings):
        self.settings = settings
    def close(self):
        pass
def stream(codec, opened=Stream):
    return StreamEncoderSpec(codec=codec, open=opened, cost_ns_per_pixel=1.0, releases_gil=False,
                             has_full_chroma=True)
"""


def streams(*specs: str, code: str = "") -> str:
    return "\n".join(
        (
            STREAM,
            textwrap.dedent(code),
            "@hookimpl",
            f"def kasmcore_register_encoders():\n    return [{', '.join(specs)}]\n",
        )
    )


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path)
    folder.add("base", BASE)
    return folder


def test_one_list_orders_encoders_of_both_kinds(folder: Folder) -> None:
    folder.add("both", streams("stream('slow')", "encoder('flat', Raw)", "stream('quick')"))
    chosen = folder.plugin_set(encoders=("quick", "flat", "slow", "raw"))
    assert [spec.codec for spec in chosen.stream_encoders] == ["quick", "slow"]
    assert [spec.codec for spec in chosen.encoders] == ["flat", "raw"]
    assert folder.state("both", encoders=("quick", "raw")).condition is PluginCondition.ACTIVE


def test_what_no_list_names_is_not_used_and_not_tested(folder: Folder) -> None:
    folder.add("streams", streams("stream('odd', lambda settings: 1 / 0)"))
    assert folder.plugin_set().stream_encoders == ()
    state = folder.state("streams")
    assert state.condition is PluginCondition.INACTIVE
    assert "encoders: odd" in state.reason


def test_one_codec_as_image_and_as_stream_names_both_plugins(folder: Folder) -> None:
    folder.add("streams", streams("stream('twice')"))
    folder.add("images", encoder_plugin("twice"))
    message = folder.refusal()
    assert "encoder twice is offered twice, by plugin images and by" in message


def test_streams_alone_do_not_make_a_server(folder: Folder) -> None:
    folder.add("streams", streams("stream('video')"))
    assert "no encoder of images is left" in folder.refusal(encoders=("video",))


@pytest.mark.parametrize(
    ("method", "reason"),
    [
        ("encode(self, pixels, *, key_frame): return b'x'", "returned b'x' instead of a packet"),
        (
            "encode(self, pixels, *, key_frame): return StreamPacket(b'', True)",
            "returned a packet without bytes",
        ),
        (
            "encode(self, pixels, *, key_frame): return StreamPacket(b'x', False)",
            "returned no key frame where one was asked for",
        ),
        (
            "encode(self, pixels, *, key_frame):\n"
            "        pixels[:] = 0\n"
            "        return StreamPacket(b'x', True)",
            "wrote to the pixels",
        ),
        (
            "encode(self, pixels, *, key_frame):\n"
            "        assert pixels.shape[1] % 2 == 0\n"
            "        return StreamPacket(b'x', True)",
            "AssertionError",
        ),
        (
            "encode(self, pixels, *, key_frame):\n"
            "        return StreamPacket(pixels.data.cast('B').tobytes(), True)",
            "self-test of encoder odd",
        ),
        ("reconfigure(self, settings): raise EncodeError('no change')", "no change"),
        ("close(self): del self.settings", "settings"),
    ],
)
def test_a_stream_encoder_that_fails_its_self_test_is_broken(
    folder: Folder, method: str, reason: str
) -> None:
    code = f"class Odd(Stream):\n    def {method}\n"
    folder.add("odd", streams("stream('odd', Odd)", code=code))
    assert reason in folder.refusal(encoders=("odd", "raw"))
    chosen = folder.plugin_set(encoders=("odd", "raw"), optional=("odd",))
    assert chosen.stream_encoders == ()


def test_every_stream_of_the_self_test_is_closed(folder: Folder, tmp_path: Path) -> None:
    code = f"""
    class Counted(Stream):
        def close(self):
            with open({str(tmp_path / "closed")!r}, "a") as file:
                file.write(f"{{self.settings.size}} {{self.settings.full_chroma}}\\n")
        def encode(self, pixels, *, key_frame):
            if self.settings.full_chroma:
                raise EncodeError("not in colour")
            return super().encode(pixels, key_frame=key_frame)
    """
    folder.add("counted", streams("stream('counted', Counted)", code=code))
    assert "not in colour" in folder.refusal(encoders=("counted", "raw"))
    closed = set((tmp_path / "closed").read_text().split("\n")) - {""}
    assert closed == {"96x64 False", "85x49 False", "96x64 True"}
