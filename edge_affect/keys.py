"""Configuration keys: declared once with meaning, unit and range, and checked by that.

Tables of the configuration are frozen dataclasses whose fields are made by ``key``; they may live
in modules of their own beside ``config``.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, TypeVar

from edge_affect.errors import ConfigError, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

T = TypeVar("T")


def key(  # noqa: PLR0913 (keyword-only, one for each column of the reference)
    default: Any,
    doc: str,
    *,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] | None = None,
    pattern: str | None = None,
    example: Any = None,
) -> Any:
    """Declare one configuration key.

    Args:
        default: Value when the file does not name the key.
        doc: One line on what it does.
        unit: Of a number, as written in text ("s", "Hz", "px").
        low: Smallest allowed number.
        high: Largest allowed number.
        choices: Allowed strings.
        pattern: Regular expression that a non-empty string must match as a whole.
        example: Value shown in the example file where the default would not help.
    """
    rule = Rule(doc, unit, low, high, choices, pattern, example)
    return field(default=default, metadata={"rule": rule})


@dataclass(frozen=True, slots=True)
class Rule:
    """What may stand under one key; see ``key``."""

    doc: str
    unit: str
    low: float | None
    high: float | None
    choices: tuple[str, ...] | None
    pattern: str | None
    example: Any

    def describe(self) -> str:
        """Return the range and unit as text, or an empty string."""
        if self.choices is not None:
            return "one of " + ", ".join(repr(c) for c in self.choices)
        if self.low is not None and self.high is not None:
            return f"{self.low:g} to {self.high:g} {self.unit}".rstrip()
        return self.unit


def example_lines(kind: type, *, is_commented: bool = False) -> list[str]:
    """Return each key of a table with its meaning, range and default, as in an annotated example.

    Args:
        kind: A frozen dataclass whose fields are made by ``key``.
        is_commented: Whether the keys are only shown, not set.
    """
    lines = []
    mark = "# " if is_commented else ""
    for item in fields(kind):
        rule: Rule = item.metadata["rule"]
        spec = rule.describe()
        value = item.default if rule.example is None else rule.example
        lines.append(f"{mark.strip()}# {rule.doc}" + (f" ({spec})" if spec else ""))
        lines.append(f"{mark}{item.name} = {toml_value(value)}")
    return lines


def nearest(wrong: str, valid: Iterable[str]) -> str:
    """Return how a message about a wrong name ends: the nearest valid one, or all of them."""
    close = difflib.get_close_matches(wrong, list(valid), n=1, cutoff=0.4)
    return f"; did you mean {close[0]!r}?" if close else f"; valid are {', '.join(valid)}."


def section(kind: type[T], values: dict[str, Any], where: str) -> T:
    """Return a table of a configuration file as the dataclass that declares its keys.

    Args:
        kind: A frozen dataclass whose fields are made by ``key``.
        values: What the file says.
        where: File and table, for messages.

    Raises:
        ConfigError: If a key is unknown, of the wrong type or out of range.
    """
    known = {f.name: f for f in fields(kind)}  # type: ignore[arg-type]
    checked: dict[str, Any] = {}
    for name, value in values.items():
        if name not in known:
            raise ConfigError(f"{where} has an unknown key {shown(name)}{nearest(name, known)}")
        checked[name] = checked_value(
            known[name].default, known[name].metadata["rule"], value, f"{where} {name}"
        )
    return kind(**checked)


def checked_value(default: Any, rule: Rule, value: Any, where: str) -> Any:
    """Return ``value`` as the type of ``default``, checked against ``rule``.

    A tuple stands for a list; its first item shows the type of all.

    Raises:
        ConfigError: If it is of another type or out of range; ``where`` starts the message.
    """
    if isinstance(default, tuple):
        if not isinstance(value, list) or not value:
            raise ConfigError(f"{where} must be a list of at least one value, not {shown(value)}.")
        return tuple(checked_value(default[0], rule, item, where) for item in value)
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not type(default):
        kinds = {
            bool: "true or false", str: "a string", int: "a whole number", float: "a number"
        }  # fmt: skip
        raise ConfigError(f"{where} must be {kinds[type(default)]}, not {shown(value)}.")
    if rule.choices is not None and value not in rule.choices:
        raise ConfigError(
            f"{where} is {shown(value)}{nearest(str(value), [c for c in rule.choices if c])}"
        )
    if rule.low is not None and rule.high is not None and not rule.low <= value <= rule.high:
        raise ConfigError(f"{where} is {shown(value)}; it must be {rule.describe()}.")
    if rule.pattern is not None and not re.fullmatch(rule.pattern, value):
        raise ConfigError(
            f"{where} is {shown(value)}; use letters, digits, - and _, "
            "starting with a letter or digit."
        )
    return value


def toml_value(value: Any) -> str:
    """Return a string, number, truth value or tuple of them as TOML writes it."""
    if isinstance(value, tuple):
        return f"[{', '.join(toml_value(item) for item in value)}]"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return repr(value).lower()
