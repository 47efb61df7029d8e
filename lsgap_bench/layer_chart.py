"""Layer curves as the coordinates of a small SVG drawing, which the page's template draws."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from lsgap_bench.schema import Representation

WIDTH, HEIGHT = 300, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 292, 10, 152
"""Size of the drawing, and the frame of its axes within, in its own units."""
_SIDES_DRAWN = ("other_task", "same_task", "matched")


class Series(NamedTuple):
    """One curve as SVG path data; dots are (x, y)."""

    side: str
    line: str
    band: str
    dots: list[tuple[float, float]]


class Chart(NamedTuple):
    """The layer curves of one metric in the coordinates of a WIDTH x HEIGHT drawing. Ticks are (coordinate, label)."""

    metric: str
    unit: str
    series: list[Series]
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    shade: tuple[float, float]


def layer_chart(metric: str, of: Representation) -> Chart | None:
    """The curves of one metric, drawn to scale; None where no layer has a value, or the metric has no layers."""
    if not of.layered:
        return None
    curves = {**of.by_layer_null, "matched": of.by_layer}
    limits = [end for band in of.by_layer_band.values() for pair in band for end in pair]
    ends = [end for end in (*limits, *(value for curve in curves.values() for value in curve)) if math.isfinite(end)]
    if not ends:
        return None
    ticks = _ticks(min(ends), max(ends))
    axes = _Axes(len(of.by_layer), min(*ends, *ticks), max(*ends, *ticks))
    last = len(of.by_layer) - 1
    digits = max(0, -math.floor(math.log10(ticks[1] - ticks[0]) + 1e-9))
    return Chart(
        metric=metric,
        unit=of.unit,
        series=[_series(side, curves[side], of.by_layer_band.get(side, ()), axes) for side in _SIDES_DRAWN if side in curves],
        x_ticks=[(axes.x(layer), str(layer)) for layer in sorted({0, last // 2, last})],
        y_ticks=[(axes.y(tick), f"{tick:.{digits}f}") for tick in ticks],
        shade=(_LEFT, round(axes.step, 2)),
    )


class _Axes(NamedTuple):
    """From layer and value to the drawing. layers: how many, 0 among them. bottom, top: values at the ends of the y axis."""

    layers: int
    bottom: float
    top: float

    @property
    def step(self) -> float:
        return (_RIGHT - _LEFT) / self.layers

    def x(self, layer: int) -> float:
        return round(_LEFT + (layer + 0.5) * self.step, 2)

    def y(self, value: float) -> float:
        return round(_BOTTOM - (_BOTTOM - _TOP) * (value - self.bottom) / (self.top - self.bottom), 2)


def _series(side: str, curve: Sequence[float], band: Sequence[tuple[float, float]], axes: _Axes) -> Series:
    points = [(axes.x(k), axes.y(value)) if math.isfinite(value) else None for k, value in enumerate(curve)]
    limits = [(axes.x(k), axes.y(low), axes.y(high)) if math.isfinite(low + high) else None for k, (low, high) in enumerate(band)]
    every = max(1, len(curve) // 12)
    return Series(side, _line(points), _band(limits), [point for point in points[::every] if point])


def _line(points: Iterable[tuple[float, float] | None]) -> str:
    """Path data; the pen is lifted where a layer has no value."""
    pen, drawn = "M", []
    for point in points:
        if point is None:
            pen = "M"
        else:
            drawn.append(f"{pen}{point[0]} {point[1]}")
            pen = "L"
    return "".join(drawn)


def _band(points: Sequence[tuple[float, float, float] | None]) -> str:
    """Path data of the area between low and high, one closed piece per stretch of layers that have both."""
    pieces: list[list[tuple[float, float, float]]] = [[]]
    for point in points:
        if point is None:
            pieces.append([])
        else:
            pieces[-1].append(point)
    outlines = [[(x, low) for x, low, _ in piece] + [(x, high) for x, _, high in reversed(piece)] for piece in pieces if piece]
    return "".join(f"{_line(outline)}Z" for outline in outlines)


def _ticks(low: float, high: float) -> list[float]:
    """Three to six round numbers that span low..high."""
    span = (high - low) or abs(high) or 1.0
    base = 10 ** math.floor(math.log10(span / 3))
    step = next(base * factor for factor in (1, 2, 5, 10) if span / (base * factor) <= 4)
    return [k * step for k in range(math.floor(low / step), math.ceil(high / step) + 1)] if high > low else [low, low + step]
