"""The derived states: what each is made of, and whether labelled data vouches for it.

The numbers stand in ``derived_states.toml`` beside this module; here they become frozen values that
cannot be wrong. Fusion computes with them, and the publisher says which are validated, so this
needs the standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path

from edge_affect.errors import ManifestError
from edge_affect.record import STATES
from edge_affect.toml_table import Table, read_toml

FILE = Path(__file__).with_name("derived_states.toml")

FACE_SIGNALS: tuple[str, ...] = (
    "look", "animation", "furrow", "tilt_deg", "blink_rate_hz", "face_fear", "face_elation",
)  # fmt: skip
"""Of one face; ``fusion.state_signals`` says what each is."""
VOICE_SIGNALS: tuple[str, ...] = (
    "speech_share", "voice_fear", "voice_elation", "voice_arousal", "pitch_above_normal",
    "rate_above_normal", "rate_below_normal", "pitch_slope_st_per_s", "pause_share", "jitter",
)  # fmt: skip
"""Of one window of voice."""
SOUND_SIGNALS: tuple[str, ...] = ("laughter", "cheering", "applause", "response")
"""Of one window of sound; ``response`` is the loudest of the three."""
SIGNALS: tuple[str, ...] = FACE_SIGNALS + VOICE_SIGNALS + SOUND_SIGNALS
NORMAL_NAMES: tuple[str, ...] = ("f0_st", "speech_rate_hz")
"""What is learned as normal for the voices of a place; order of ``VoiceNormal.mean``."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one signal adds to a state: nothing at ``at_0``, its whole weight from ``at_1`` on.

    Attributes:
        signal: One of ``SIGNALS``.
        at_0: In the signal's unit.
        at_1: In the signal's unit; never ``at_0``, below it where less of the signal says more.
        weight: In log-odds, or relative to the others where the state is a mean; > 0.
    """

    signal: str
    at_0: float
    at_1: float
    weight: float

    def __post_init__(self) -> None:
        if self.signal not in SIGNALS:
            raise ManifestError(f"{self.signal!r} is no signal; valid are {', '.join(SIGNALS)}")
        if self.at_0 == self.at_1:
            raise ManifestError(f"{self.signal}: at_0 and at_1 must differ")
        if self.weight <= 0.0:
            raise ManifestError(f"{self.signal}: weight must be above 0")

    def shown(self, value: float) -> float:
        """Return how much of the evidence a signal shows, [0, 1].

        >>> Evidence("furrow", 0.0, 0.5, 1.0).shown(0.125)
        0.25
        """
        return min(max((value - self.at_0) / (self.at_1 - self.at_0), 0.0), 1.0)


@dataclass(frozen=True, slots=True)
class DerivedState:
    """One state.

    Attributes:
        name: One of ``record.STATES``.
        validated: Whether labelled data showed it; ``why`` says which, or what is missing.
        why: One sentence for people.
        evidence: What it is made of; empty where it is not computed.
        bias: Log-odds while nothing is shown; None where the state is the mean of its evidence.
        slope: Of the log-odds by the logarithm of the chance that voice and face agree, <= 0; only
            of incongruence.
        min_weight: Unknown while the evidence that is there weighs less than this, > 0.
        half_life_s: Of what was shown before, >= 0.
    """

    name: str
    validated: bool
    why: str
    evidence: tuple[Evidence, ...]
    bias: float | None
    slope: float | None
    min_weight: float
    half_life_s: float

    def __post_init__(self) -> None:
        if self.name not in STATES:
            raise ManifestError(f"{self.name!r} is no state; valid are {', '.join(STATES)}")
        signals = [item.signal for item in self.evidence]
        if len(set(signals)) != len(signals):
            raise ManifestError(f"{self.name}: a signal is named twice")
        if self.min_weight <= 0.0 or self.half_life_s < 0.0:
            raise ManifestError(f"{self.name}: min_weight must be above 0, half_life_s not below")
        if self.slope is not None and (self.slope > 0.0 or self.bias is None):
            raise ManifestError(f"{self.name}: slope must not be above 0 and wants a bias")
        if self.validated and not self.is_sensed:
            raise ManifestError(f"{self.name}: what is not computed cannot be validated")

    @property
    def is_sensed(self) -> bool:
        """Whether it is computed at all in this version."""
        return bool(self.evidence) or self.slope is not None


@dataclass(frozen=True, slots=True)
class Looking:
    """When a face looks here.

    Attributes:
        on_deg: Up to so far off the camera it does fully, >= 0.
        away_deg: From so far off it does not at all, > on_deg.
        shut: Eyes less open than this see nothing, [0, 1).
        open: Eyes more open than this see everything, in (shut, 1].
        head_share: Share of a look to the side that the head does, (0, 1].
        gaze_gain: How much eyes count against what is expected of them, [0, 1].
    """

    on_deg: float
    away_deg: float
    shut: float
    open: float
    head_share: float
    gaze_gain: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.on_deg < self.away_deg:
            raise ManifestError("on_deg must be below away_deg")
        if not 0.0 <= self.shut < self.open <= 1.0:
            raise ManifestError("shut must be below open")
        if not 0.0 < self.head_share <= 1.0:
            raise ManifestError("head_share must be above 0 and at most 1")
        if not 0.0 <= self.gaze_gain <= 1.0:
            raise ManifestError("gaze_gain must be from 0 to 1")


@dataclass(frozen=True, slots=True)
class VoiceNormal:
    """What is normal in voices at large, from where that of the voices here is learned.

    Attributes:
        mean: Order of ``NORMAL_NAMES``.
        between: Deviation from person to person, > 0.
        within: Deviation of one person, > 0.
        min_heard_s: Nothing is called unusual before so much speech was heard, >= 0.
        memory_s: Speech that is remembered at most, > 0.
        window_s: Length of the speech that the deviations are of, > 0.
        silence_s: All is forgotten after so long without speech, > 0: whoever speaks next may be
            somebody else.
    """

    mean: tuple[float, ...]
    between: tuple[float, ...]
    within: tuple[float, ...]
    min_heard_s: float
    memory_s: float
    window_s: float
    silence_s: float

    def __post_init__(self) -> None:
        if min(self.between) <= 0.0 or min(self.within) <= 0.0:
            raise ManifestError("between and within must be above 0")
        if self.min_heard_s < 0.0 or min(self.memory_s, self.window_s, self.silence_s) <= 0.0:
            raise ManifestError("the times of [normal] must be above 0, min_heard_s not below")


@dataclass(frozen=True, slots=True)
class StateTable:
    """All numbers of the derived states.

    Attributes:
        states: Order of ``record.STATES``.
        looking: When a face looks here.
        normal: What is normal in voices.
        face_age_s: A face's signals count for nothing once they are older, > 0.
        voice_age_s: As above for the middle of a window of voice.
        sound_age_s: As above for sound events.
    """

    states: tuple[DerivedState, ...]
    looking: Looking
    normal: VoiceNormal
    face_age_s: float
    voice_age_s: float
    sound_age_s: float

    def __post_init__(self) -> None:
        if tuple(state.name for state in self.states) != STATES:
            raise ManifestError(f"the states must be {', '.join(STATES)}")
        if min(self.face_age_s, self.voice_age_s, self.sound_age_s) <= 0.0:
            raise ManifestError("ages must be above 0")

    def age_s(self, signal: str) -> float:
        """Return how old a signal may be."""
        if signal in FACE_SIGNALS:
            return self.face_age_s
        return self.voice_age_s if signal in VOICE_SIGNALS else self.sound_age_s


@lru_cache(maxsize=4)
def load_states(path: Path = FILE) -> StateTable:
    """Read a table of states, by default the shipped one.

    Raises:
        ManifestError: If the file cannot be read, or a number is missing, unknown or impossible.
    """
    table = Table(read_toml(path), str(path))
    try:
        parsed = _parse(table)
    except ManifestError as error:
        text = str(error).rstrip(".")
        raise ManifestError(text if str(path) in text else f"{path}: {text}.") from None
    table.refuse_unknown()
    return parsed


def _parse(table: Table) -> StateTable:
    ages = _numbers(table, "ages", ("face_age_s", "voice_age_s", "sound_age_s"))
    looking = _numbers(table, "looking", tuple(item.name for item in fields(Looking)))
    normal = _part(table, "normal")
    parts = ("mean", "between", "within")
    rows = [_numbers(normal, name, parts) for name in NORMAL_NAMES]
    mean, between, within = (tuple(row[part] for row in rows) for part in parts)
    times = ("min_heard_s", "memory_s", "window_s", "silence_s")
    times_s = {name: normal.number(name) for name in times}
    voices = VoiceNormal(mean, between, within, **times_s)
    normal.refuse_unknown()
    states = tuple(_state(name, _part(table, name)) for name in STATES)
    return StateTable(states=states, looking=Looking(**looking), normal=voices, **ages)


def _state(name: str, table: Table) -> DerivedState:
    rows = table.tables("evidence")
    evidence = tuple(
        Evidence(row.text("signal"), row.number("at_0"), row.number("at_1"), row.number("weight"))
        for row in rows
    )
    for row in rows:
        row.refuse_unknown()
    state = DerivedState(
        name=name,
        validated=table.flag("validated"),
        why=table.text("why"),
        evidence=evidence,
        bias=table.optional_number("bias"),
        slope=table.optional_number("slope"),
        min_weight=table.number("min_weight", 1.0),
        half_life_s=table.number("half_life_s", 0.0),
    )
    table.refuse_unknown()
    return state


def _part(table: Table, key: str) -> Table:
    part = table.optional_table(key)
    if part is None:
        raise ManifestError(f"[{key}] is missing")
    return part


def _numbers(table: Table, key: str, names: tuple[str, ...]) -> dict[str, float]:
    part = _part(table, key)
    found = {name: part.number(name) for name in names}
    part.refuse_unknown()
    return found
