"""Numbers that were fitted or set, and ship as JSON files beside the models."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

from edge_affect.errors import InputMissingError, ManifestError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")


def read_numbers(path: Path, what: str, parse: Callable[[Any], T]) -> T:
    """Return what ``parse`` makes of a file's content.

    Args:
        path: Of a JSON file.
        what: What it is, in the singular, for messages.
        parse: What it raises for want of a key, or of a number, is told in one sentence.

    Raises:
        InputMissingError: If there is no such file.
        ManifestError: If it is not that.
    """
    try:
        return parse(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise InputMissingError(f"The {what} {path} does not exist; reinstall.") from None
    except OSError as error:
        raise InputMissingError(f"The {what} {path} cannot be read: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        text = str(error).rstrip(".")
        raise ManifestError(f"{path} is no {what}: {text}.") from None
