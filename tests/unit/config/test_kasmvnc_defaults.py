"""A configuration written for KasmVNC loads unchanged and means the same."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path

import attrs

from kasmcore.config.fields import core_settings
from kasmcore.config.schema import ServerConfig
from kasmcore.config.schema_encoding import ScrollingConfig
from kasmcore.config.structure import structure
from kasmcore.config.tree import BlankNode, SettingsTree
from tests.unit.config.reading import tree_of

DEFAULTS = Path(__file__).with_name("kasmvnc_defaults.yaml")
OUR_GROUPS = ("plugins.", "session.", "desktop.maximum_resolution.")
OUR_KEYS = {
    "desktop.display",
    "desktop.attach",
    "desktop.server",
    "desktop.environment",
    "desktop.start_command",
    "network.ssl.enabled",
    "network.ssl.minimum_version",
    "network.tcp_congestion_control",
    "network.upgrade",
    "network.trusted_proxies",
    "network.allowed_origins",
    "network.base_path",
    "security.login_required",
    "security.users_file",
    "security.allow_insecure_exposure",
    "security.session_lifetime",
    "server.state_directory",
    "logging.format",
}
COMMENTED_OUT = {
    "encoding.video_streaming_mode.gop",
    *(f"data_loss_prevention.visible_region.{side}" for side in ("top", "left", "right", "bottom")),
}


def load(path: Path = DEFAULTS) -> ServerConfig:
    return structure(tree_of(path, environment={"HOME": "/home/ada"}), ())


def names_key(tree: SettingsTree, path: str) -> bool:
    return tree.find(path) is not None


def test_kasmvncs_own_defaults_load_unchanged() -> None:
    config = load()
    ours = ServerConfig()
    ssl = attrs.evolve(
        ours.network.ssl,
        pem_certificate=Path("/etc/ssl/certs/ssl-cert-snakeoil.pem"),
        pem_key=Path("/etc/ssl/private/ssl-cert-snakeoil.key"),
    )
    advanced = attrs.evolve(ours.server.advanced, kasm_password_file=Path("/home/ada/.kasmpasswd"))
    scrolling = ScrollingConfig(
        detect_vertical_scrolling=False,
        detect_horizontal_scrolling=False,
        scroll_detect_threshold=25,
    )
    expected = attrs.evolve(
        ours,
        encoding=attrs.evolve(ours.encoding, scrolling=scrolling),
        network=attrs.evolve(ours.network, ssl=ssl),
        server=attrs.evolve(ours.server, advanced=advanced),
    )
    assert config == expected


def test_every_key_is_either_kasmvncs_or_known_to_be_ours() -> None:
    tree = tree_of(DEFAULTS, environment={"HOME": "/home/ada"})
    for field in core_settings():
        is_ours = field.path in OUR_KEYS or field.path.startswith(OUR_GROUPS)
        assert names_key(tree, field.path) != (is_ours or field.path in COMMENTED_OUT), field.path


def test_a_group_with_comments_only_changes_nothing() -> None:
    tree = tree_of(DEFAULTS, environment={"HOME": "/home/ada"})
    assert isinstance(tree.find("keyboard.remap_keys"), BlankNode)
    assert load().keyboard.remap_keys == ()


def test_values_that_differ_from_the_defaults_are_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "kasmvnc.yaml"
    path.write_text(
        """\
desktop:
  resolution: {width: 1920, height: 1080}
network:
  websocket_port: 8444
  udp: {public_ip: auto}
user_session:
  session_type: exclusive
  new_session_disconnects_existing_exclusive_session: true
  idle_timeout: 600
keyboard:
  remap_keys:
    - 0x22->0x40
    - 0x24->0x1000100
data_loss_prevention:
  visible_region: {top: 10%, left: 0%, right: 20%, bottom: 5%}
  clipboard:
    delay_between_operations: 500
    server_to_client: {size: 10000}
  keyboard: {rate_limit: 20}
  watermark: {location: "10,20", tint: "255,0,0,128"}
encoding:
  full_frame_updates: 0
  rect_encoding_mode: {rectangle_compress_threads: 4}
  video_encoding_mode: {enter_video_encoding_mode: {area_threshold: 30%}}
  video_streaming_mode: {codec: "h264_vaapi,h264", gop: 48}
server:
  http:
    headers:
      - Strict-Transport-Security=max-age=63072000
legacy:
  desktop_name: 2024
"""
    )
    config = load(path)
    assert (config.desktop.resolution.width, config.desktop.resolution.height) == (1920, 1080)
    assert config.network.websocket_port == 8444
    assert config.network.udp.public_ip is None
    assert config.user_session.session_type == "exclusive"
    assert config.user_session.new_session_disconnects_existing_exclusive_session
    assert config.user_session.idle_timeout == 600
    assert [remap.to_keysym for remap in config.keyboard.remap_keys] == [0x40, 0x1000100]
    region = config.data_loss_prevention.visible_region
    assert region.right is not None
    assert (region.right.amount, region.right.is_percent) == (20, True)
    clipboard = config.data_loss_prevention.clipboard
    assert clipboard.delay_between_operations == 500
    assert clipboard.server_to_client.size == 10000
    assert clipboard.client_to_server.size is None
    assert config.data_loss_prevention.keyboard.rate_limit == 20
    watermark = config.data_loss_prevention.watermark
    assert watermark.location is not None
    assert (watermark.location.x, watermark.tint.alpha) == (10, 128)
    assert config.encoding.full_frame_updates is None
    assert config.encoding.rect_encoding_mode.rectangle_compress_threads == 4
    assert config.encoding.video_encoding_mode.enter_video_encoding_mode.area_threshold == 30
    assert config.encoding.video_streaming_mode.codec == ("h264_vaapi", "h264")
    assert config.encoding.video_streaming_mode.gop == 48
    (header,) = config.server.http.headers
    assert (header.name, header.value) == ("Strict-Transport-Security", "max-age=63072000")
    assert config.legacy.desktop_name == "2024"


def test_an_empty_list_of_video_codecs_is_not_auto(tmp_path: Path) -> None:
    path = tmp_path / "kasmvnc.yaml"
    path.write_text("encoding: {video_streaming_mode: {codec: []}}\n")
    assert load(path).encoding.video_streaming_mode.codec == ()


def test_words_become_none_or_stay_numbers() -> None:
    config = load()
    assert config.network.websocket_port is None
    assert config.network.udp.public_ip == IPv4Address("127.0.0.1")
    assert config.user_session.idle_timeout is None
    assert config.data_loss_prevention.clipboard.server_to_client.size is None
    assert config.data_loss_prevention.keyboard.rate_limit is None
    assert config.encoding.full_frame_updates is None
    assert config.server.http.httpd_directory is None
    assert config.data_loss_prevention.logging.level == "off"
