"""Hooks, the code that calls them and the examples that show them agree."""

import inspect
from pathlib import Path

import pytest

from kasmcore import hookspecs
from kasmcore.plugin_manager.loading import HOOK_NAMES
from kasmcore.plugin_manager.states import KIND_OF_HOOK
from kasmcore.plugin_set import PluginEvents
from kasmcore.testing.reference_pages import LABELS, hooks_page, interfaces_page
from tests.project.tree import ROOT

NOTIFICATIONS = [name for name in HOOK_NAMES if not name.startswith("kasmcore_register_")]


def source_of(path: Path) -> str:
    return path.read_text() if path.is_file() else (path / "__init__.py").read_text()


@pytest.mark.parametrize("hook", HOOK_NAMES)
def test_a_hook_states_its_contract_and_its_example_implements_it(hook: str) -> None:
    contract = inspect.getdoc(getattr(hookspecs, hook)) or ""
    for label in LABELS:
        assert f"\n{label}: " in contract
    example = contract.partition("Example: ``")[2].partition("``")[0]
    assert f"@hookimpl\ndef {hook}(" in source_of(ROOT / example)


def test_every_registering_hook_has_a_kind() -> None:
    assert set(KIND_OF_HOOK) == set(HOOK_NAMES) - set(NOTIFICATIONS)


@pytest.mark.parametrize("hook", NOTIFICATIONS)
def test_every_notification_can_be_given_with_the_hook_s_arguments(hook: str) -> None:
    method = getattr(PluginEvents(), hook.removeprefix("kasmcore_"))
    assert list(inspect.signature(method).parameters) == list(
        inspect.signature(getattr(hookspecs, hook)).parameters
    )


def test_the_hooks_page_shows_signature_and_contract() -> None:
    page = hooks_page()
    assert "def kasmcore_viewer_left(viewer: ViewerInfo, reason: str) -> None\n" in page
    assert page.count("\n| Since | ") == len(HOOK_NAMES)


def test_the_interfaces_page_shows_what_to_implement_and_no_code() -> None:
    page = interfaces_page()
    assert "    async def next_frame(self) -> CapturedFrame:\n" in page
    assert 'TEXT_MIME = "text/plain"' in page
    assert "#: (height, width, 4) uint8: blue, green, red, unused." in page
    assert "def encodable_pixels(codec: str, pixels: BgrxPixels, quality: int" in page
    assert "return Rectangle(" not in page
    assert "def __" not in page
