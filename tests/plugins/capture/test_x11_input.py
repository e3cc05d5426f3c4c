"""The pure parts of input to an X display: keysyms, the map, spare keys, held keys, the wheel."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kasmcore_x11.held_keys import HeldKeys
from kasmcore_x11.keymap import LOCK, SHIFT, Key, KeyMap, KeyType, LevelEntry
from kasmcore_x11.keysyms import canonical, character_of, is_keypad, keysym_of, latin_keysym
from kasmcore_x11.pointer import MOST_CLICKS, NOTCH, WheelRemainder
from kasmcore_x11.spare_keys import SpareKeys

LEVEL3 = 1 << 7
SHIFT_L, ALTGR = 0xFFE1, 0xFE03
TWO_LEVEL = KeyType(SHIFT, 2, {SHIFT: LevelEntry(1, 0)})
ALPHABETIC = KeyType(SHIFT | LOCK, 2, {SHIFT: LevelEntry(1, 0), LOCK: LevelEntry(1, 0)})
FOUR_LEVEL = KeyType(
    SHIFT | LEVEL3,
    4,
    {SHIFT: LevelEntry(1, 0), LEVEL3: LevelEntry(2, 0), SHIFT | LEVEL3: LevelEntry(3, 0)},
)
PLAIN = KeyType(0, 1, {})
KEYS = {
    10: (TWO_LEVEL, (ord("1"), ord("!"))),
    24: (FOUR_LEVEL, (ord("q"), ord("Q"), ord("@"), 0x7D9)),
    38: (ALPHABETIC, (ord("a"), ord("A"))),
    50: (PLAIN, (SHIFT_L,)),
    92: (PLAIN, (ALTGR,)),
}


def make_map() -> KeyMap:
    keys = [Key(keycode, (group,), group_info=1) for keycode, group in KEYS.items()]
    keys += [Key(keycode, (), group_info=0) for keycode in (8, 93)]
    return KeyMap(keys, {50: SHIFT, 92: LEVEL3})


@given(st.characters(exclude_categories=["Cc", "Cs"]))
def test_every_character_has_a_keysym_that_types_it(character: str) -> None:
    assert character_of(keysym_of(character)) == character
    assert canonical(keysym_of(character)) == keysym_of(character)


@given(st.integers(0, 0x2FFF))
def test_both_numbers_of_a_character_are_one_key(old: int) -> None:
    character = character_of(old)
    if character:
        assert canonical(old) == keysym_of(character)


@pytest.mark.parametrize(
    ("keysym", "character"),
    [(0x6D6, "ж"), (0x7E1, "α"), (0x1B3, "ł"), (0x20AC, "€"), (0xAA9, "—"), (0x4B1, "ア")],
)
def test_old_keysyms_are_known_by_their_characters(keysym: int, character: str) -> None:
    assert character_of(keysym) == character


@pytest.mark.parametrize("keysym", [0xFF09, 0xFFB7, 0xFFE1, 0xFE51, 0x1008FF13])
def test_keys_without_a_character_stay_what_they_are(keysym: int) -> None:
    assert character_of(keysym) == ""
    assert canonical(keysym) == keysym
    assert is_keypad(keysym) == (keysym == 0xFFB7)


@pytest.mark.parametrize(
    ("code", "shifted", "expected"),
    [
        ("KeyC", False, "c"),
        ("KeyC", True, "C"),
        ("Digit1", True, "!"),
        ("Slash", False, "/"),
        ("F1", False, "\0"),
        ("Keyboard", False, "\0"),
    ],
)
def test_shortcuts_by_position_are_those_of_a_us_keyboard(
    code: str, shifted: bool, expected: str
) -> None:
    assert latin_keysym(code, shifted) == ord(expected)


@given(
    keysym=st.sampled_from([ord(c) for c in "1!qQ@aA"] + [0x7D9, 0x010003A9]),
    modifiers=st.integers(0, 0xFF).map(lambda bits: bits & (SHIFT | LOCK | LEVEL3 | 4)),
)
def test_a_stroke_types_its_keysym_whatever_was_in_force(keysym: int, modifiers: int) -> None:
    stroke = make_map().stroke(keysym, modifiers, group=0)
    assert stroke is not None
    key_type, keysyms = KEYS[stroke.keycode]
    typed = keysyms[key_type.level(stroke.modifiers)]
    if stroke.modifiers & LOCK & ~key_type.consumed(stroke.modifiers):
        typed = keysym_of(character_of(typed).upper())  # as programs do it
    assert canonical(typed) == canonical(keysym)
    assert stroke.modifiers & 4 == modifiers & 4  # Control is the viewer's business


def test_a_stroke_changes_nothing_when_nothing_needs_to_change() -> None:
    key_map = make_map()
    for keysym, modifiers in [(ord("a"), 0), (ord("A"), SHIFT), (ord("A"), LOCK), (ord("!"), 1)]:
        stroke = key_map.stroke(keysym, modifiers, group=0)
        assert stroke is not None
        assert stroke.modifiers == modifiers


def test_a_lent_key_types_its_keysym_until_it_is_taken_back() -> None:
    key_map = make_map()
    assert key_map.empty_keycodes() == [8, 93]
    assert key_map.stroke(0x01004E2D, 0, group=0) is None
    key_map.bind(93, 0x01004E2D)
    stroke = key_map.stroke(0x01004E2D, SHIFT, group=0)
    assert stroke is not None
    assert stroke.keycode == 93
    assert key_map.empty_keycodes() == [8]
    key_map.bind(93, 0)
    assert not key_map.has(0x01004E2D)


@pytest.mark.parametrize(
    ("group_info", "expected"), [(0x02, 1), (0x42, 1), (0x82, 0), (0x92, 1), (0xB2, 0)]
)
def test_a_group_out_of_range_is_wrapped_clamped_or_redirected(
    group_info: int, expected: int
) -> None:
    group = (PLAIN, (ord("a"),))
    assert Key(38, (group, group), group_info).group_for(3) == expected


def test_a_key_in_another_group_asks_for_that_group() -> None:
    key = Key(38, ((PLAIN, (ord("a"),)), (PLAIN, (0x6C6,))), group_info=2)
    stroke = KeyMap([key], {}).stroke(0x01000444, 0, group=0)
    assert stroke is not None
    assert stroke.group == 1


@given(st.lists(st.integers(0, 30), min_size=1, max_size=60))
def test_spare_keys_are_lent_in_turn_and_never_while_held(keysyms: list[int]) -> None:
    spares = SpareKeys(range(8, 13))
    held: list[int] = []
    for now_s, keysym in enumerate(keysyms):
        lent = spares.least_recent(held)
        assert lent is not None
        assert lent.keycode not in held
        spares.bind(lent.keycode, keysym + 1)
        spares.note_use(lent.keycode, float(now_s))
        held = [*held, lent.keycode][-3:]
    assert set(spares.bound().values()) == {k + 1 for k in keysyms[-5:]}


def test_no_spare_key_is_lent_while_all_are_held() -> None:
    assert SpareKeys([8, 9]).least_recent([8, 9]) is None


def test_spare_keys_survive_a_new_map_as_far_as_it_has_them() -> None:
    spares = SpareKeys([8, 9, 10])
    for keycode, keysym in ((8, 80), (9, 90)):
        spares.bind(keycode, keysym)
        spares.note_use(keycode, 5.0)
    spares.follow_map(empty_keycodes=[9, 11], kept=[8])
    assert spares.bound() == {8: 80}
    least = spares.least_recent([])
    assert least is not None
    assert (least.keycode, least.keysym) == (11, 0)


Press = tuple[int, str]


@given(st.lists(st.tuples(st.integers(1, 3), st.sampled_from("abcd"), st.booleans())))
def test_a_key_is_down_exactly_while_someone_holds_it(
    steps: list[tuple[int, str, bool]],
) -> None:
    held = HeldKeys()
    expected: set[Press] = set()
    for viewer_id, name, is_press in steps:
        if is_press and not held.is_down(viewer_id, name):
            held.press(viewer_id, name, ord(name))
            expected.add((viewer_id, name))
        elif not is_press:
            released = held.release(viewer_id, name)
            was_last = {n for _, n in expected} - {n for _, n in expected - {(viewer_id, name)}}
            assert released == (ord(name) if name in was_last else None)
            expected.discard((viewer_id, name))
        assert set(held.keycodes) == {ord(name) for _, name in expected}


def test_a_leaving_viewer_releases_what_no_one_else_holds_last_pressed_first() -> None:
    held = HeldKeys()
    for viewer_id, name, keycode in [(1, "a", 10), (1, "b", 11), (2, "c", 11), (1, "d", 12)]:
        held.press(viewer_id, name, keycode)
    held.press(1, "CapsLock", None)
    assert list(held.release_viewer(1)) == [12, 10]
    assert held.keycodes == [11]
    assert list(held.release_viewer(1)) == []


@given(st.lists(st.integers(-NOTCH * 3, NOTCH * 3)))
def test_no_part_of_a_notch_is_lost_while_the_wheel_turns_one_way(turns: list[int]) -> None:
    one_way = [abs(turned) for turned in turns]
    wheel = WheelRemainder()
    assert sum(wheel.clicks(turned) for turned in one_way) == sum(one_way) // NOTCH


def test_a_turn_back_drops_the_rest_of_the_way_forth() -> None:
    wheel = WheelRemainder()
    assert [wheel.clicks(turned) for turned in (100, -30, -90, -1)] == [0, 0, -1, 0]


@given(st.integers(-(10**6), 10**6))
def test_one_event_never_clicks_more_than_the_most(turned: int) -> None:
    assert abs(WheelRemainder().clicks(turned)) <= MOST_CLICKS
