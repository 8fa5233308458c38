"""Drawings as plain SVG text: small, readable in a diff, the same at every run."""

from __future__ import annotations

from html import escape

FONT = "system-ui, 'DejaVu Sans', sans-serif"
Style = str | float


class Drawing:
    """A white sheet; coordinates are pixels from its top left corner.

    Args:
        width: Of the sheet.
        height: Of the sheet.
        label: One sentence for those who cannot see it.
    """

    def __init__(self, width: float, height: float, label: str) -> None:
        self._head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_number(width)} '
            f'{_number(height)}" width="{_number(width)}" height="{_number(height)}" '
            f'font-family="{FONT}" role="img" aria-label="{escape(label)}">'
        )
        self._parts: list[str] = []
        self.rect(0, 0, width, height, fill="#ffffff")

    def rect(self, x: float, y: float, width: float, height: float, **style: Style) -> None:
        """Draw a rectangle from its top left corner."""
        self._add("rect", {"x": x, "y": y, "width": width, "height": height}, style)

    def circle(self, x: float, y: float, radius: float, **style: Style) -> None:
        """Draw a filled circle."""
        self._add("circle", {"cx": x, "cy": y, "r": radius}, style)

    def line(self, points: list[tuple[float, float]], **style: Style) -> None:
        """Draw straight lines from point to point."""
        places = " ".join(f"{_number(x)},{_number(y)}" for x, y in points)
        self._add("polyline", {"points": places}, {"fill": "none", **style})

    def area(self, points: list[tuple[float, float]], **style: Style) -> None:
        """Fill what points go around."""
        places = " ".join(f"{_number(x)},{_number(y)}" for x, y in points)
        self._add("polygon", {"points": places}, style)

    def text(self, x: float, y: float, words: str, **style: Style) -> None:
        """Write a line of words that starts at a point, or as ``text_anchor`` says."""
        self._add("text", {"x": x, "y": y}, {"font_size": 12, "fill": "#222222", **style}, words)

    def render(self) -> str:
        """Return the whole drawing as text."""
        return "\n".join([self._head, *self._parts, "</svg>"]) + "\n"

    def _add(
        self, tag: str, place: dict[str, Style], style: dict[str, Style], words: str = ""
    ) -> None:
        merged = {**place, **style}
        attributes = " ".join(
            f'{name.replace("_", "-")}="{escape(_value(value))}"' for name, value in merged.items()
        )
        body = f">{escape(words)}</{tag}>" if words else "/>"
        self._parts.append(f"<{tag} {attributes}{body}")


def _value(value: Style) -> str:
    return value if isinstance(value, str) else _number(value)


def _number(value: float) -> str:
    """Return at most one digit after the point, and none where it says nothing."""
    return f"{value:.1f}".removesuffix(".0")
