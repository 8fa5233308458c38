"""Everything that can end a command early, and the exit code it ends with.

A user sees one sentence and an exit code, never a traceback. Each class also
inherits the builtin it specialises, so that library callers can catch either.
The table in ``docs/exit-codes.md`` is checked against this module by a test.
"""

from __future__ import annotations

from enum import IntEnum

MAX_SHOWN = 80


class ExitCode(IntEnum):
    """What the process tells its caller; numbers follow BSD ``sysexits.h`` up to 78."""

    DONE = 0
    USAGE = 64
    BAD_DATA = 65
    INPUT_MISSING = 66
    UNAVAILABLE = 69
    CANNOT_WRITE = 73
    FINISHED_IN_PART = 75
    CAGE_NOT_PROVEN = 77
    CONFIGURATION = 78
    REFUSED_BY_POLICY = 80


MEANING: dict[ExitCode, str] = {
    ExitCode.DONE: "done",
    ExitCode.USAGE: "the command line is wrong",
    ExitCode.BAD_DATA: "bad data: a model, manifest, media file or data set",
    ExitCode.INPUT_MISSING: "an input file is missing",
    ExitCode.UNAVAILABLE: "a device or the broker is unavailable",
    ExitCode.CANNOT_WRITE: "an output cannot be written",
    ExitCode.FINISHED_IN_PART: "finished in part",
    ExitCode.CAGE_NOT_PROVEN: "the cage around sensing is not proven",
    ExitCode.CONFIGURATION: "the configuration is wrong",
    ExitCode.REFUSED_BY_POLICY: "refused by the deployment policy",
}


def shown(value: object) -> str:
    """Return how a message repeats what a user wrote: one line, cut where it is long.

    >>> shown("spring")
    "'spring'"
    """
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}... ({len(text)} characters)"


class EdgeAffectError(Exception):
    """Base of all errors a user can cause or meet; the message is one full sentence."""

    exit_code: ExitCode = ExitCode.BAD_DATA


class UsageError(EdgeAffectError, ValueError):
    """The command line asks for something that does not exist or fit together."""

    exit_code = ExitCode.USAGE


class DataError(EdgeAffectError, ValueError):
    """A file or message is there but cannot be what it claims to be."""

    exit_code = ExitCode.BAD_DATA


class ModelError(DataError):
    """A model file is corrupt or does not match its manifest."""


class ManifestError(DataError):
    """A model's manifest is malformed or incomplete."""


class MediaError(DataError):
    """A recording cannot be decoded."""


class DatasetError(DataError):
    """A data set does not have the documented shape."""


class RecordError(DataError):
    """A datagram or record is not one of the valid affect records."""


class ShapeError(DataError):
    """An array has the wrong shape, dtype or range for the function it was given to."""


class InputMissingError(EdgeAffectError, FileNotFoundError):
    """A file the user named, or a model that should be installed, is not there."""

    exit_code = ExitCode.INPUT_MISSING


class UnavailableError(EdgeAffectError, ConnectionError):
    """Something outside this process does not answer."""

    exit_code = ExitCode.UNAVAILABLE


class DeviceError(UnavailableError):
    """A microphone or camera is missing, busy or gone."""


class BrokerError(UnavailableError):
    """The MQTT broker cannot be reached or refuses."""


class CannotWriteError(EdgeAffectError, OSError):
    """An output file or folder cannot be written."""

    exit_code = ExitCode.CANNOT_WRITE


class PartialError(EdgeAffectError):
    """Some inputs were done and some were not."""

    exit_code = ExitCode.FINISHED_IN_PART


class CageError(EdgeAffectError, PermissionError):
    """The cage cannot be built, or something inside it worked that must not."""

    exit_code = ExitCode.CAGE_NOT_PROVEN


class ConfigError(EdgeAffectError, ValueError):
    """The configuration file has an unknown key or a value out of range."""

    exit_code = ExitCode.CONFIGURATION


class PolicyError(EdgeAffectError, PermissionError):
    """The deployment policy forbids what was asked for."""

    exit_code = ExitCode.REFUSED_BY_POLICY


def errors_by_code(code: int) -> type[EdgeAffectError]:
    """Return a class of errors that ends with a code, for a sentence from another process."""
    kinds: tuple[type[EdgeAffectError], ...] = (
        UsageError, ModelError, InputMissingError, UnavailableError, CannotWriteError,
        PartialError, CageError, ConfigError, PolicyError,
    )  # fmt: skip
    return next((kind for kind in kinds if kind.exit_code == code), ModelError)
