"""The laws of laying one layer over another."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kasmcore.config.load import merge
from kasmcore.config.tree import (
    BlankNode,
    Layer,
    ListNode,
    Node,
    Origin,
    OriginKind,
    ScalarNode,
    SectionNode,
    SettingsTree,
    merge_sections,
    values_of,
)

KEYS = st.sampled_from(["a", "b", "c"])
ORIGINS = st.builds(
    Origin, st.just(OriginKind.FILE), st.sampled_from(["x.yaml", "y.yaml"]), st.integers(1, 99)
)
SCALARS = st.builds(ScalarNode, st.text(min_size=1, max_size=3), ORIGINS)
LISTS = st.builds(ListNode, st.lists(SCALARS, max_size=3).map(tuple), ORIGINS)
LEAVES: st.SearchStrategy[Node] = st.one_of(SCALARS, LISTS, st.builds(BlankNode, ORIGINS))
NODES = st.recursive(
    LEAVES,
    lambda children: st.builds(SectionNode, st.dictionaries(KEYS, children), ORIGINS),
    max_leaves=8,
)
SECTIONS = st.builds(SectionNode, st.dictionaries(KEYS, NODES), ORIGINS)


def layer_of(section: SectionNode) -> Layer:
    return Layer(name="layer", root=section)


def values(section: SectionNode) -> dict[str, Node]:
    return dict(values_of(section))


@given(SECTIONS)
def test_a_layer_over_itself_is_itself(section: SectionNode) -> None:
    assert merge_sections(section, section) == section


@given(SECTIONS)
def test_an_empty_layer_changes_no_value(section: SectionNode) -> None:
    empty = SectionNode({}, section.origin)
    assert values(merge_sections(section, empty)) == values(section)
    assert values(merge_sections(empty, section)) == values(section)


@given(SECTIONS, SECTIONS)
def test_every_value_of_the_higher_layer_counts(lower: SectionNode, higher: SectionNode) -> None:
    merged = values(merge_sections(lower, higher))
    assert values(higher).items() <= merged.items()


@given(SECTIONS, SECTIONS)
def test_every_value_comes_whole_from_one_of_the_layers(
    lower: SectionNode, higher: SectionNode
) -> None:
    for path, node in values(merge_sections(lower, higher)).items():
        assert node in (values(lower).get(path), values(higher).get(path))


@given(SECTIONS, SECTIONS)
def test_a_lower_value_stays_unless_the_higher_layer_speaks_of_it(
    lower: SectionNode, higher: SectionNode
) -> None:
    merged = SettingsTree(root=merge_sections(lower, higher))
    above = SettingsTree(root=higher)
    for path, node in values(lower).items():
        steps = path.split(".")
        prefixes = [".".join(steps[:depth]) for depth in range(1, len(steps) + 1)]
        spoken_of = any(
            isinstance(above.find(prefix), ScalarNode | ListNode) for prefix in prefixes
        ) or isinstance(above.find(path), SectionNode)
        assert spoken_of or merged.find(path) == node


@given(st.lists(SECTIONS, max_size=4))
def test_many_layers_are_laid_one_after_the_other(sections: list[SectionNode]) -> None:
    tree = merge([layer_of(section) for section in sections])
    expected = SectionNode({}, Origin(OriginKind.FILE, "none"))
    for section in sections:
        expected = merge_sections(expected, section)
    assert tree.root.entries == expected.entries


@given(SECTIONS, SECTIONS)
def test_no_layer_is_changed_by_merging(lower: SectionNode, higher: SectionNode) -> None:
    before = (repr(lower), repr(higher))
    merge([layer_of(lower), layer_of(higher)])
    assert (repr(lower), repr(higher)) == before
