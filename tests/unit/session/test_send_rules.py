import attrs
import pytest

from kasmcore.config.schema import (
    EncodingConfig,
    RuntimeConfigurationConfig,
    ServerConfig,
    SessionConfig,
)
from kasmcore.config.schema_encoding import (
    RectEncodingModeConfig,
    VideoEncodingModeConfig,
    VideoStreamingModeConfig,
)
from kasmcore.interfaces.stream_encoder import StreamEncoderSpec
from kasmcore.session.send_rules import SendRules
from kasmcore.values.viewer_events import PictureSettings, VideoPreference


def rules(**encoding) -> SendRules:
    return SendRules.of(ServerConfig(encoding=EncodingConfig(**encoding)))


def stream_spec(codec: str) -> StreamEncoderSpec:
    return StreamEncoderSpec(codec=codec, open=object, cost_ns_per_pixel=1.0, releases_gil=True)


def rectangles(**settings) -> SendRules:
    return rules(rect_encoding_mode=RectEncodingModeConfig(**settings))


def test_kasmvncs_defaults_mean_jpeg_qualities_of_86_and_92_and_all_is_refined():
    quality = SendRules.of(ServerConfig()).quality
    assert (quality.minimum, quality.maximum) == (86, 92)
    assert quality.counts_as_exact > 100


def test_a_maximum_that_is_not_above_the_minimum_leaves_the_minimum():
    quality = rectangles(min_quality=5, max_quality=0).quality
    assert (quality.minimum, quality.maximum) == (77, 77)


@pytest.mark.parametrize(("level", "threshold"), [(7, 86), (9, 99)])
def test_what_is_good_enough_is_not_sent_again(level, threshold):
    quality = rectangles(max_quality=9, consider_lossless_quality=level).quality
    assert quality.counts_as_exact == threshold <= quality.maximum


def test_webp_may_take_its_share_of_all_threads():
    one, four = (
        rules(
            max_frame_rate=100,
            rect_encoding_mode=RectEncodingModeConfig(rectangle_compress_threads=threads),
            video_encoding_mode=VideoEncodingModeConfig(webp_encoding_time=50),
        )
        for threads in (1, 4)
    )
    assert one.time_limits_s["webp"] == pytest.approx(0.005)
    assert four.time_limits_s["webp"] == pytest.approx(0.020)


def test_the_frame_rate_may_be_240():
    assert rules(max_frame_rate=240).frame_interval_s == pytest.approx(1 / 240)


def test_video_mode_has_a_quality_for_each_codec_or_leaves_it_to_the_link():
    unset = rules().video_mode
    assert unset.quality_of_codec == {"jpeg": None, "webp": None}
    config = VideoEncodingModeConfig(jpeg_quality=9, webp_quality=5)
    assert rules(video_encoding_mode=config).video_mode.quality_of_codec == {
        "jpeg": 99,
        "webp": 65,
    }


def test_a_viewer_may_ask_for_fewer_frames_but_not_for_more():
    ours = rules(max_frame_rate=60)
    assert ours.for_viewer(PictureSettings(max_frame_rate=10)).frame_interval_s == 0.1
    assert ours.for_viewer(PictureSettings(max_frame_rate=200)) == ours


def test_a_viewer_that_asks_for_nothing_gets_what_the_server_is_set_to():
    ours = rules()
    assert ours.for_viewer(PictureSettings()) == ours


@pytest.mark.parametrize(
    ("wished", "bounds"),
    [
        ((30, 70), (30, 70)),
        ((None, 50), (50, 50)),
        ((95, None), (95, 95)),
        ((80, 40), (80, 80)),
        ((100, 100), (99, 99)),
    ],
)
def test_a_viewer_sets_its_own_quality(wished, bounds):
    quality = rules().for_viewer(PictureSettings(min_quality=wished[0], max_quality=wished[1]))
    assert (quality.quality.minimum, quality.quality.maximum) == bounds


def test_a_quality_below_the_floor_lowers_the_floor():
    assert rules().for_viewer(PictureSettings(min_quality=5)).quality.floor == 5


def test_a_viewer_may_do_without_exact_pictures_at_rest():
    assert not rules().for_viewer(PictureSettings(exact_at_rest=False)).is_exact_at_rest


@pytest.mark.parametrize("wanted", [VideoPreference.OFF, VideoPreference.WHOLE_SCREEN])
def test_a_viewer_chooses_its_video(wanted):
    assert rules().for_viewer(PictureSettings(video=wanted)).streams.preference is wanted


@pytest.mark.parametrize(
    "config",
    [
        ServerConfig(session=SessionConfig(video_streams="off")),
        ServerConfig(
            encoding=EncodingConfig(video_streaming_mode=VideoStreamingModeConfig(codec=()))
        ),
    ],
)
def test_video_that_is_switched_off_stays_off(config):
    ours = SendRules.of(config)
    whole = ours.for_viewer(PictureSettings(video=VideoPreference.WHOLE_SCREEN))
    assert not ours.offers_video
    assert whole.streams.preference is ours.streams.preference


@pytest.mark.parametrize(
    ("named", "chosen"),
    [
        (None, ["h264", "av1", "h265"]),
        (("h264_vaapi", "auto"), ["h264", "av1", "h265"]),
        (("av1", "h264_vaapi", "h264"), ["av1", "h264"]),
        (("HEVC_nvenc", "vp9", "avc"), ["h265", "h264"]),
        (("vp9",), []),
        ((), []),
    ],
)
def test_video_codecs_are_used_in_the_order_in_which_they_are_named(named, chosen):
    specs = [stream_spec(codec) for codec in ("h264", "av1", "h265")]
    streaming = VideoStreamingModeConfig(codec=named)
    streams = rules(video_streaming_mode=streaming).streams
    assert [spec.codec for spec in streams.chosen(specs)] == chosen


def test_no_video_codec_is_used_when_video_is_off():
    off = SendRules.of(ServerConfig(session=SessionConfig(video_streams="off")))
    assert off.streams.chosen([stream_spec("h264")]) == []


def test_the_operator_can_keep_picture_settings_to_itself():
    fixed = RuntimeConfigurationConfig(allow_client_to_override_kasm_server_settings=False)
    config = attrs.evolve(ServerConfig(), runtime_configuration=fixed)
    assert not SendRules.of(config).viewers_may_ask
    assert SendRules.of(ServerConfig()).viewers_may_ask
