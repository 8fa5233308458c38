"""One TOML table read key by key, so that a typo is refused by name with the nearest valid key."""

from __future__ import annotations

import difflib
import math
import sys
from typing import TYPE_CHECKING, Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from edge_affect.errors import ManifestError, shown

if TYPE_CHECKING:
    from pathlib import Path

Scalar = str | int | float | bool


def read_toml(path: Path) -> dict[str, Any]:
    """Return the content of a TOML file.

    Raises:
        ManifestError: If the file is not UTF-8 TOML or cannot be read.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ManifestError(f"{path}: not valid TOML: {error}.") from None
    except OSError as error:
        raise ManifestError(f"{path}: cannot be read: {error.strerror}.") from None


class Table:
    """A TOML table that remembers which keys were asked for."""

    def __init__(self, values: Any, where: str) -> None:
        if not isinstance(values, dict):
            raise ManifestError(f"{where} must be a table.")
        self._values: dict[str, Any] = values
        self._where = where
        self._known: set[str] = set()

    def _get(self, key: str, default: Any = None, *, required: bool = True) -> Any:
        self._known.add(key)
        if key in self._values:
            return self._values[key]
        if required:
            near = difflib.get_close_matches(key, set(self._values) - self._known, n=1)
            hint = f" (is {near[0]!r} a typo for it?)" if near else ""
            raise ManifestError(f"{self._where}: {key!r} is missing{hint}")
        return default

    def _wrong(self, key: str, wanted: str) -> ManifestError:
        return ManifestError(f"{self._where}: {key!r} must be {wanted}")

    def text(self, key: str) -> str:
        """Return a required non-empty string."""
        value = self._get(key)
        if not isinstance(value, str) or not value:
            raise self._wrong(key, "a non-empty string")
        return value

    def texts(self, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        """Return a list of strings, or ``default`` where it is absent."""
        value = self._get(key, list(default), required=False)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._wrong(key, "a list of strings")
        return tuple(value)

    def flag(self, key: str) -> bool:
        """Return a required truth value."""
        value = self._get(key)
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false")
        return value

    def integer(self, key: str, default: int | None = None) -> int:
        """Return an integer; required where ``default`` is None."""
        value = self._get(key, default, required=default is None)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._wrong(key, "an integer")
        return value

    def integers(self, key: str) -> tuple[int, ...]:
        """Return a required list of integers."""
        value = self._get(key)
        if not isinstance(value, list) or not all(type(item) is int for item in value):
            raise self._wrong(key, "a list of integers")
        return tuple(value)

    def number(self, key: str, default: float | None = None) -> float:
        """Return a finite number; required where ``default`` is None."""
        value = self._get(key, default, required=default is None)
        return self._finite(key, value)

    def optional_number(self, key: str) -> float | None:
        """Return a finite number, or None where it is absent."""
        value = self._get(key, required=False)
        return None if value is None else self._finite(key, value)

    def _finite(self, key: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(key, "a number")
        if not math.isfinite(value):
            raise self._wrong(key, "a finite number")
        return float(value)

    def scalars(self, key: str) -> dict[str, Scalar]:
        """Return a table of strings, numbers and truth values; empty where it is absent."""
        value = self._get(key, {}, required=False)
        if not isinstance(value, dict):
            raise self._wrong(key, "a table")
        for name, item in value.items():
            if not isinstance(item, str | int | float | bool):
                raise self._wrong(f"{key}.{name}", "a string, number or truth value")
        return dict(value)

    def numbers(self, key: str) -> dict[str, float]:
        """Return a table of finite numbers; empty where it is absent."""
        value = self._get(key, {}, required=False)
        if not isinstance(value, dict):
            raise self._wrong(key, "a table")
        return {name: self._finite(f"{key}.{name}", item) for name, item in value.items()}

    def optional_table(self, key: str) -> Table | None:
        """Return a nested table, or None where it is absent."""
        value = self._get(key, required=False)
        return None if value is None else Table(value, f"{self._where}: [{key}]")

    def tables(self, key: str) -> tuple[Table, ...]:
        """Return an array of tables; empty where it is absent."""
        value = self._get(key, [], required=False)
        if not isinstance(value, list):
            raise self._wrong(key, "an array of tables")
        return tuple(Table(item, f"{self._where}: [[{key}]]") for item in value)

    def refuse_unknown(self) -> None:
        """Refuse every key that nobody asked for.

        Raises:
            ManifestError: Naming the first such key and the nearest valid one.
        """
        for key in self._values:
            if key in self._known:
                continue
            near = difflib.get_close_matches(key, self._known, n=1, cutoff=0.0)
            raise ManifestError(
                f"{self._where}: unknown key {shown(key)}; did you mean {near[0]!r}?"
            )
