"""What keysyms mean: their characters, their case, their stand-ins. Pure tables and functions.

A keysym has up to two numbers for one character: an old one by alphabet (Cyrillic_zhe 0x06d6) and
one by the Unicode rule (0x01000000 + code point). Maps are searched by the *canonical* number: the
Latin-1 one where there is one, else the one by the Unicode rule.
Source: "X Window System Protocol", appendix A, and keysymdef.h for the old pages.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

UNICODE_RULE = 0x01000000
RETURN, TAB, BACKSPACE = 0xFF0D, 0xFF09, 0xFF08
SHIFT_L, SHIFT_R, CAPS_LOCK, SHIFT_LOCK = 0xFFE1, 0xFFE2, 0xFFE5, 0xFFE6
NUM_LOCK, SCROLL_LOCK = 0xFF7F, 0xFF14
CONTROL_L, CONTROL_R, ALT_L, ALT_R = 0xFFE3, 0xFFE4, 0xFFE9, 0xFFEA
META_L, META_R, SUPER_L, SUPER_R = 0xFFE7, 0xFFE8, 0xFFEB, 0xFFEC
MODE_SWITCH, LEVEL3_SHIFT, LEVEL5_SHIFT = 0xFF7E, 0xFE03, 0xFE11
LOCK_KEYSYMS = frozenset({CAPS_LOCK, SHIFT_LOCK, NUM_LOCK, SCROLL_LOCK})

#: Keysyms tried in turn when the map lacks the first one.
STAND_INS: dict[int, tuple[int, ...]] = {
    SHIFT_R: (SHIFT_L,),
    SHIFT_L: (SHIFT_R,),
    CONTROL_R: (CONTROL_L,),
    CONTROL_L: (CONTROL_R,),
    ALT_R: (ALT_L,),
    ALT_L: (ALT_R, META_L),
    META_L: (ALT_L, SUPER_L),
    META_R: (META_L, ALT_R, ALT_L, SUPER_L),
    SUPER_R: (SUPER_L,),
    SUPER_L: (SUPER_R, META_L),
    LEVEL3_SHIFT: (MODE_SWITCH,),
    MODE_SWITCH: (LEVEL3_SHIFT,),
    0xFE20: (TAB,),  # ISO_Left_Tab: Shift+Tab
    0xFF8D: (RETURN,),  # KP_Enter
    0xFFAC: (0xFFAE, 0x2C),  # KP_Separator: KP_Decimal, comma
    0xFFAE: (0xFFAC, 0x2E),  # KP_Decimal: KP_Separator, period
    0xFFBD: (0x3D,),  # KP_Equal
    0xFFAA: (0x2A,),  # KP_Multiply
    0xFFAB: (0x2B,),  # KP_Add
    0xFFAD: (0x2D,),  # KP_Subtract
    0xFFAF: (0x2F,),  # KP_Divide
    **{0xFFB0 + digit: (0x30 + digit,) for digit in range(10)},
    # KP_Home … KP_Delete: the same key of the block beside it
    **dict(
        zip(
            range(0xFF95, 0xFFA0),
            (
                (keysym,)
                for keysym in (
                    0xFF50, 0xFF51, 0xFF52, 0xFF53, 0xFF54, 0xFF55,
                    0xFF56, 0xFF57, 0xFF0B, 0xFF63, 0xFFFF,
                )
            ),
            strict=True,
        )
    ),
}  # fmt: skip

# Pages that are an 8-bit character set with the page's number in front.
_CHARACTER_SET_PAGES = {
    0x01: "iso8859_2", 0x02: "iso8859_3", 0x03: "iso8859_4", 0x05: "iso8859_6",
    0x0C: "iso8859_8", 0x0D: "iso8859_11", 0x12: "iso8859_14", 0x13: "iso8859_15",
}  # fmt: skip
_CYRILLIC_FIRST, _CYRILLIC = 0x6A1, "ђѓёєѕіїјљњћќґўџ№ЂЃЁЄЅІЇЈЉЊЋЌҐЎЏ"
_GREEK_FIRST = 0x7A1
_GREEK = (
    "ΆΈΉΊΪ\0ΌΎΫ\0Ώ\0\0΅―\0άέήίϊΐόύϋΰώ\0\0\0\0\0"
    "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣ\0ΤΥΦΧΨΩ\0\0\0\0\0\0\0αβγδεζηθικλμνξοπρσςτυφχψω"
)
_SINGLE = {
    0x8BC: "≤", 0x8BD: "≠", 0x8BE: "≥", 0x8BF: "∫", 0x8C0: "∴", 0x8C1: "∝", 0x8C2: "∞", 0x8C5: "∇",
    0x8CD: "⇔", 0x8CE: "⇒", 0x8D6: "√", 0x8DA: "⊂", 0x8DB: "⊃", 0x8DC: "∩", 0x8DD: "∪", 0x8DE: "∧",
    0x8DF: "∨", 0x8EF: "∂", 0x8F6: "ƒ", 0x8FB: "←", 0x8FC: "↑", 0x8FD: "→", 0x8FE: "↓",
    0xAA1: "\u2003", 0xAA2: "\u2002", 0xAA5: "\u2007", 0xAA6: "\u2008", 0xAA7: "\u2009",
    0xAA8: "\u200a", 0xAA9: "—", 0xAAA: "–", 0xAAE: "…", 0xAB0: "⅓", 0xAB1: "⅔", 0xAB2: "⅕",
    0xAB3: "⅖", 0xAB4: "⅗", 0xAB5: "⅘", 0xAB6: "⅙", 0xAB7: "⅚", 0xAC3: "⅛", 0xAC4: "⅜",
    0xAC5: "⅝", 0xAC6: "⅞", 0xAC9: "™", 0xAD0: "‘", 0xAD1: "’", 0xAD2: "“", 0xAD3: "”",
    0xAF1: "†", 0xAF2: "‡", 0xAF5: "♯", 0xAF6: "♭", 0xAFD: "‚", 0xAFE: "„", 0xEFF: "₩",
}  # fmt: skip


def keysym_of(character: str) -> int:
    """The keysym to type one character with; 0 for control characters that no key makes."""
    if character in "\r\n":
        return RETURN
    if character == "\t":
        return TAB
    if character == "\b":
        return BACKSPACE
    code_point = ord(character)
    if unicodedata.category(character) in ("Cc", "Cs"):
        return 0
    return code_point if code_point < 0x100 else UNICODE_RULE | code_point


@lru_cache(maxsize=4096)
def canonical(keysym: int) -> int:
    """The one number under which this keysym's key is looked up."""
    character = character_of(keysym)
    return keysym_of(character) or keysym if character else keysym


@lru_cache(maxsize=4096)
def character_of(keysym: int) -> str:
    """The character that this keysym types; empty for keys that type none.

    Keypad keys count as keys without a character: they are other keys than the digits.
    """
    if 0x20 <= keysym <= 0x7E or 0xA0 <= keysym <= 0xFF:
        return chr(keysym)
    if UNICODE_RULE + 0x20 <= keysym <= UNICODE_RULE + 0x10FFFF:
        return chr(keysym - UNICODE_RULE)
    if 0x20A0 <= keysym <= 0x20AC:  # currency signs have the numbers of their code points
        return chr(keysym)
    if keysym in _SINGLE:
        return _SINGLE[keysym]
    page, low = keysym >> 8, keysym & 0xFF
    if page in _CHARACTER_SET_PAGES and low >= 0xA1:
        return bytes([low]).decode(_CHARACTER_SET_PAGES[page], errors="ignore")
    if 0x4A1 <= keysym <= 0x4DF:  # katakana, in the order of the half-width forms
        return unicodedata.normalize("NFKC", chr(0xFF61 + keysym - 0x4A1))
    if 0x6C0 <= keysym <= 0x6FF:
        return bytes([low]).decode("koi8_r")
    if _CYRILLIC_FIRST <= keysym < _CYRILLIC_FIRST + len(_CYRILLIC):
        return _CYRILLIC[keysym - _CYRILLIC_FIRST].strip("\0")
    if _GREEK_FIRST <= keysym < _GREEK_FIRST + len(_GREEK):
        return _GREEK[keysym - _GREEK_FIRST].strip("\0")
    return ""


def is_lower_case(keysym: int) -> bool:
    """True when a locked Caps may turn what it types into another character."""
    character = character_of(keysym)
    return character.upper() != character


def has_case(keysym: int) -> bool:
    """True for letters that exist as capital and small letter."""
    character = character_of(keysym)
    return character.upper() != character or character.lower() != character


def is_keypad(keysym: int) -> bool:
    """True for the keys of the numeric keypad, whatever Num Lock makes of them."""
    return 0xFF80 <= keysym <= 0xFFBD


_PUNCTUATION = {
    "Backquote": "`~", "Minus": "-_", "Equal": "=+", "BracketLeft": "[{", "BracketRight": "]}",
    "Backslash": "\\|", "Semicolon": ";:", "Quote": "'\"", "Comma": ",<", "Period": ".>",
    "Slash": "/?", "Space": "  ",
}  # fmt: skip
_SHIFTED_DIGITS = ")!@#$%^&*("


def latin_keysym(code: str, shifted: bool) -> int:
    """The keysym of a physical key on a US keyboard; 0 for keys that type no character there.

    Shortcuts are meant by position where the viewer's alphabet is not Latin: Ctrl and the key of
    Cyrillic_es is Ctrl+C.

    Args:
        code: ``KeyboardEvent.code``, e.g. ``KeyC``.
        shifted: Shift is held.
    """
    pair = ""
    if len(code) == 4 and code.startswith("Key"):
        pair = code[3].lower() + code[3]
    elif len(code) == 6 and code.startswith("Digit") and code[5].isdigit():
        pair = code[5] + _SHIFTED_DIGITS[int(code[5])]
    elif code in _PUNCTUATION:
        pair = _PUNCTUATION[code]
    return ord(pair[shifted]) if pair else 0
