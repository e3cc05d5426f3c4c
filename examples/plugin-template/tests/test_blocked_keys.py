"""The filter ``blocked_keys`` holds what kasmcore asks of every filter, and does what it says."""

import attrs
from kasmcore.api import DlpFilterSpec, KeyEvent, ServerConfig, TextTyped
from kasmcore.testing.conformance import DlpConformance

from kasmcore_blocked_keys import kasmcore_register_dlp_filters
from kasmcore_blocked_keys.settings import BlockedKeysSettings

PRINT = 0xFF61
LETTER_SHARP_S = 0xDF
CYRILLIC_A = 0x01000430


class TestBlockedKeys(DlpConformance):
    must_refuse = (
        KeyEvent(pressed=True, keysym=PRINT, code="PrintScreen"),
        TextTyped("Straße"),
        TextTyped("а"),
    )
    must_pass = (
        KeyEvent(pressed=False, keysym=PRINT, code="PrintScreen"),
        KeyEvent(pressed=True, keysym=0x61, code="KeyA"),
        TextTyped("Strasse"),
    )

    def make_spec(self) -> DlpFilterSpec:
        return kasmcore_register_dlp_filters()[0]

    def make_config(self) -> ServerConfig:
        mine = BlockedKeysSettings(keysyms=(PRINT, LETTER_SHARP_S, CYRILLIC_A))
        config = ServerConfig()
        return attrs.evolve(
            config, plugin_settings=attrs.evolve(config.plugin_settings, sections=(mine,))
        )
