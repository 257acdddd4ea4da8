"""Boxes, arrows and text as SVG; the colors follow the page's theme, or are light without one."""

import re
from pathlib import Path

STYLE = """
.l2c-card { fill: var(--color-background-secondary, #f8f9fb); }
.l2c-box { fill: var(--color-background-primary, #ffffff);
  stroke: var(--color-foreground-muted, #6b6f76); stroke-width: 1.2; }
.l2c-weights { fill: #3b82f6; fill-opacity: .16; stroke: #3b82f6; stroke-width: 1.6; }
.l2c-carry { fill: #d97706; fill-opacity: .16; stroke: #d97706; stroke-width: 1.6; }
.l2c-line { fill: none; stroke: var(--color-foreground-muted, #6b6f76); stroke-width: 1.4; }
.l2c-line-carry { fill: none; stroke: #d97706; stroke-width: 1.8; }
.l2c-line-back { fill: none; stroke: #3b82f6; stroke-width: 1.6; stroke-dasharray: 5 3; }
.l2c-head { fill: var(--color-foreground-muted, #6b6f76); }
.l2c-head-carry { fill: #d97706; }
.l2c-head-back { fill: #3b82f6; }
.l2c-text { fill: var(--color-foreground-primary, #1f2328); font: 14px sans-serif; }
.l2c-small { fill: var(--color-foreground-secondary, #4a4f57); font: 12.5px sans-serif; }
.l2c-title { fill: var(--color-foreground-primary, #1f2328); font: bold 15px sans-serif; }
"""


class Figure:
    """A drawing of fixed size; coordinates in pixels from the top left."""

    def __init__(self, width: int, height: int, title: str) -> None:
        self.size = width, height
        self.parts = [f"<title>{title}</title>", f"<style>{STYLE}</style>"]
        self.parts.append(f'<rect class="l2c-card" width="{width}" height="{height}" rx="10"/>')

    def text(self, x: float, y: float, text: str, kind: str = "text", anchor: str = "middle"):
        """One line; ``_{...}`` and ``^{...}`` are set lower and higher."""
        text = text.replace("&", "&amp;").replace("<", "&lt;")
        text = re.sub(r"(?<![A-Za-z]{2})-", "\u2212", text)  # minus, except in words
        for mark, shift, back in (("_{", 4, -4), ("^{", -6, 6)):
            while mark in text:
                before, rest = text.split(mark, 1)
                inner, after = rest.split("}", 1)
                text = (
                    f'{before}<tspan dy="{shift}" font-size="78%">{inner}</tspan>'
                    f'<tspan dy="{back}">{after}</tspan>'
                )
        self.parts.append(
            f'<text class="l2c-{kind}" x="{x}" y="{y}" text-anchor="{anchor}">{text}</text>'
        )

    def box(self, x: float, y: float, w: float, h: float, *lines: str, kind: str = "box"):
        """A box with centered lines; the first in normal size."""
        self.parts.append(
            f'<rect class="l2c-{kind}" x="{x}" y="{y}" width="{w}" height="{h}" rx="6"/>'
        )
        top = y + h / 2 + 5 - 8.5 * (len(lines) - 1)
        for index, line in enumerate(lines):
            self.text(x + w / 2, top + 17 * index, line, "text" if index == 0 else "small")

    def arrow(self, *points: tuple[float, float], kind: str = ""):
        """Straight pieces through the points, with a head at the last."""
        suffix = f"-{kind}" if kind else ""
        (x0, y0), (x1, y1) = points[-2:]
        length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
        ux, uy = (x1 - x0) / length, (y1 - y0) / length
        path = " ".join(f"{x:g},{y:g}" for x, y in [*points[:-1], (x1 - 6 * ux, y1 - 6 * uy)])
        self.parts.append(f'<polyline class="l2c-line{suffix}" points="{path}"/>')
        left = x1 - 8 * ux - 4 * uy, y1 - 8 * uy + 4 * ux
        right = x1 - 8 * ux + 4 * uy, y1 - 8 * uy - 4 * ux
        head = " ".join(f"{x:.1f},{y:.1f}" for x, y in (left, right, (x1, y1)))
        self.parts.append(f'<polygon class="l2c-head{suffix}" points="{head}"/>')

    def circle(self, x: float, y: float, r: float, kind: str = "box", text: str = ""):
        """A circle, with a sign in it."""
        self.parts.append(f'<circle class="l2c-{kind}" cx="{x}" cy="{y}" r="{r}"/>')
        if text:
            self.text(x, y + 5, text)

    def save(self, name: str) -> None:
        """Write the file beside the scripts."""
        width, height = self.size
        opening = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" role="img">'
        )
        text = "\n".join([opening, *self.parts, "</svg>"]) + "\n"
        (Path(__file__).parent / f"{name}.svg").write_text(text)
