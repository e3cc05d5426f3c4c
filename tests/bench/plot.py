"""Bars for the documentation, as SVG: one group a link, one bar a transport."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

_COLOURS = ("#4878a8", "#d08438", "#5a9a5a", "#9a5a8a")
_BAR_PIXELS, _GROUP_GAP, _LEFT, _RIGHT = 16, 16, 190, 620
_WIDTH, _TOP = 740, 44


def bars(
    title: str,
    unit: str,
    groups: Mapping[str, Mapping[str, tuple[float, float] | None]],
    limit: float,
) -> str:
    """Draw bars from left to right; each has a strong part and a longer faint one.

    Args:
        title: what is shown.
        unit: of the values.
        groups: by group and then by bar the two values; None where there is none.
        limit: where the scale ends; longer bars are cut there.
    """
    names = list(dict.fromkeys(name for group in groups.values() for name in group))
    lines: list[str] = []
    y = _TOP
    for group, values in groups.items():
        middle = y + _BAR_PIXELS * len(values) / 2 + 4
        lines.append(_text(_LEFT - 10, middle, group, "end"))
        for name, pair in values.items():
            lines += _bar(y, _COLOURS[names.index(name) % len(_COLOURS)], pair, unit, limit)
            y += _BAR_PIXELS
        y += _GROUP_GAP
    legend: list[str] = []
    for place, name in enumerate(names):
        x = _LEFT + place * 130
        legend.append(_rectangle(x, 26, 10, 10, _COLOURS[place % len(_COLOURS)]))
        legend.append(_text(x + 15, 35, name))
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y}" '
            'font-family="sans-serif" font-size="12">',
            f'<rect width="{_WIDTH}" height="{y}" fill="#ffffff"/>',
            _text(_LEFT, 16, f"{title} ({unit})"),
            *legend,
            *lines,
            "</svg>\n",
        ]
    )


def _bar(
    y: float, colour: str, pair: tuple[float, float] | None, unit: str, limit: float
) -> Sequence[str]:
    if pair is None:
        return [_text(_LEFT + 4, y + 12, "not measured")]
    strong, faint = (
        max(1.0, min(value, limit) / limit * (_RIGHT - _LEFT)) for value in (min(pair), max(pair))
    )
    return [
        _rectangle(_LEFT, y + 1, faint, _BAR_PIXELS - 3, colour, 0.4),
        _rectangle(_LEFT, y + 1, strong, _BAR_PIXELS - 3, colour),
        _text(_LEFT + faint + 5, y + 12, f"{pair[0]:.0f} / {pair[1]:.0f} {unit}"),
    ]


def _rectangle(
    x: float, y: float, width: float, height: float, colour: str, opacity: float = 1.0
) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
        f'fill="{colour}" fill-opacity="{opacity:g}"/>'
    )


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
