"""Settings that must go together, and where TLS and login may be off."""

from __future__ import annotations

import pytest

from tests.unit.config.reading import config_of, problems_of


@pytest.mark.parametrize(
    ("overrides", "problem"),
    [
        (
            [
                "data_loss_prevention.visible_region.left=10",
                "data_loss_prevention.visible_region.top=1",
            ],
            "data_loss_prevention.visible_region has top and left, but no right and no bottom "
            "(--set data_loss_prevention.visible_region.top, "
            "--set data_loss_prevention.visible_region.left). Set all four sides, or none.",
        ),
        (
            ["data_loss_prevention.visible_region={top: 0, left: 0, right: 5, bottom: 5%}"],
            "data_loss_prevention.visible_region mixes pixels and percent "
            "(--set data_loss_prevention.visible_region). "
            "Write all four sides in pixels, or all in percent.",
        ),
        (
            ["network.unix_relay.name=sound"],
            "network.unix_relay has name, but no path (--set network.unix_relay.name). "
            "Set both, or none.",
        ),
        (
            ["desktop.resolution.width=5000"],
            "desktop.resolution.width is 5000, desktop.maximum_resolution.width is less with 3840 "
            "(--set desktop.resolution.width). Lower the one or raise the other.",
        ),
        (
            ["desktop.maximum_resolution.height=700"],
            "desktop.resolution.height is 768, desktop.maximum_resolution.height is less with 700 "
            "(--set desktop.maximum_resolution.height). Lower the one or raise the other.",
        ),
        (
            ["data_loss_prevention.watermark={image: a.png, text: {template: hi}}"],
            "data_loss_prevention.watermark has both an image and a text "
            "(--set data_loss_prevention.watermark). Delete one of them.",
        ),
        (
            ["data_loss_prevention.watermark={location: '1,2', repeat_spacing: 5}"],
            "data_loss_prevention.watermark has both location and repeat_spacing "
            "(--set data_loss_prevention.watermark). Delete one of them.",
        ),
        (
            [
                "encoding.scrolling.detect_vertical_scrolling=false",
                "encoding.scrolling.detect_horizontal_scrolling=true",
            ],
            "encoding.scrolling.detect_horizontal_scrolling is on without "
            "detect_vertical_scrolling (--set encoding.scrolling.detect_horizontal_scrolling, "
            "--set encoding.scrolling.detect_vertical_scrolling). "
            "Switch both on.",
        ),
        (
            ["network.ssl.pem_key=/k.pem"],
            "network.ssl.pem_key is set without network.ssl.pem_certificate "
            "(--set network.ssl.pem_key). Set the certificate that belongs to the key, too.",
        ),
        (
            ["network={use_ipv4: false, use_ipv6: false}"],
            "network.use_ipv4 and network.use_ipv6 are both off (--set network). "
            "Switch one of them on.",
        ),
        (
            ["network.base_path=desk"],
            "network.base_path is 'desk', which is not a path of a URL "
            "(--set network.base_path). Write a path such as / or /desk/.",
        ),
        (
            ["network.allowed_origins=[https://a.example, https://b.example/]"],
            "network.allowed_origins has 'https://b.example/', which is not an origin "
            "(--set network.allowed_origins). "
            "Write scheme and host, such as https://portal.example, and nothing after them.",
        ),
        (
            ["runtime_configuration.allow_override_list=[pointer]"],
            "runtime_configuration.allow_override_list has 'pointer', which is not a known key "
            "(--set runtime_configuration.allow_override_list). "
            "Write whole dotted keys, such as pointer.enabled.",
        ),
        (
            ["plugins.encoders=[]"],
            "plugins.encoders has no plugin (--set plugins.encoders). Name at least one.",
        ),
        (
            ["network.ssl.enabled=false"],
            "network.ssl.enabled is false, so that what travels can be read on the way, "
            "and others can reach network.interface 0.0.0.0 (--set network.ssl.enabled). "
            "Leave it on, set network.interface to 127.0.0.1, or set "
            "security.allow_insecure_exposure to true.",
        ),
        (
            ["network.ssl.require_ssl=false", "network.interface=::"],
            "network.ssl.require_ssl is false, so that what travels can be read on the way, and "
            "others can reach network.interface :: "
            "(--set network.ssl.require_ssl, --set network.interface). "
            "Leave it on, set network.interface to 127.0.0.1, or set "
            "security.allow_insecure_exposure to true.",
        ),
        (
            ["security.login_required=false", "network.interface=192.0.2.1"],
            "security.login_required is false, so that anybody may use the desktop, and "
            "others can reach network.interface 192.0.2.1 "
            "(--set security.login_required, --set network.interface). "
            "Leave it on, set network.interface to 127.0.0.1, or set "
            "security.allow_insecure_exposure to true.",
        ),
    ],
)
def test_settings_that_do_not_go_together_are_refused(overrides: list[str], problem: str) -> None:
    assert problems_of(*overrides) == [problem]


@pytest.mark.parametrize("interface", ["127.0.0.1", "127.1.2.3", "::1", "desk.example"])
def test_tls_and_login_may_be_off_on_loopback_and_where_only_listening_tells(
    interface: str,
) -> None:
    config = config_of(
        f"network.interface={interface}",
        "network.ssl.enabled=false",
        "security.login_required=false",
    )
    assert not config.network.ssl.enabled


def test_tls_and_login_may_be_off_elsewhere_when_that_is_allowed_explicitly() -> None:
    config = config_of(
        "network.ssl.enabled=false",
        "security.login_required=false",
        "security.allow_insecure_exposure=true",
    )
    assert not config.security.login_required


@pytest.mark.parametrize("path", ["/", "/desk", "/desk/", "/a/b.c/~d/"])
def test_base_paths_of_urls_are_taken(path: str) -> None:
    assert config_of(f"network.base_path={path}").network.base_path == path


@pytest.mark.parametrize("path", ["//", "/a//b", "/../x", "/a b", "/a?b", "https://a/"])
def test_other_base_paths_are_refused(path: str) -> None:
    (problem,) = problems_of(f"network.base_path={path}")
    assert "is not a path of a URL" in problem


def test_a_rule_is_silent_about_settings_that_could_not_be_read() -> None:
    problems = problems_of(
        "data_loss_prevention.visible_region={top: x, left: 1, right: 1, bottom: 1}"
    )
    assert len(problems) == 1
    assert "'x'" in problems[0]
