"""Sound events: laughter, applause and crying by a model, cheering and screaming by a rule."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from edge_affect.clock import NS_PER_S
from edge_affect.errors import ManifestError
from edge_affect.perception.acoustic import AcousticSettings, LogMelHistory, window_tensor
from edge_affect.perception.activity import intensity_db
from edge_affect.perception.event_hysteresis import EventHysteresis, HysteresisSettings
from edge_affect.perception.event_rules import RULED_EVENTS, RuleSettings, rule_levels
from edge_affect.perception.interpreter import TfliteModel, load_model
from edge_affect.record import EVENTS
from edge_affect.types import SoundObservation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


OTHER = "other"


class SoundEventModel:
    """Tells the events in one window of sound.

    Attributes:
        events: What it knows, in the order of its output without ``other``.
        acoustic: Its front end.
    """

    def __init__(self, model: TfliteModel) -> None:
        self.manifest = model.manifest
        if self.manifest.kind != "sound_events":
            raise ManifestError(
                f"{self.manifest.path}: kind is {self.manifest.kind!r}, wanted 'sound_events'."
            )
        *events, last = self.manifest.labels or ("",)
        if last != OTHER or not set(events) <= set(EVENTS):
            raise ManifestError(
                f"{self.manifest.path}: labels must be some of {', '.join(EVENTS)}, then {OTHER!r}."
            )
        self.events = tuple(events)
        self.acoustic = AcousticSettings.from_manifest(self.manifest)
        self._model = model

    @classmethod
    def load(cls, name: str = "sound_events") -> SoundEventModel:
        """Load by name, or by the path of a manifest; errors as `load_model`."""
        return cls(load_model(name))

    def probabilities(self, frames_db: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the probability of each of ``events``, shape ``(n_events,)``.

        Args:
            frames_db: One window of log-mels, shape ``(acoustic.n_frames, acoustic.n_mels)``.

        Raises:
            ShapeError: If there is another number of frames or bands.
        """
        tensor = window_tensor(frames_db, self.acoustic, self.manifest.inputs[0])
        return self._model.probabilities(tensor)[:-1]

    def hysteresis(self, event: str) -> HysteresisSettings:
        """Return how ``event`` starts and ends.

        Raises:
            ManifestError: If the manifest lacks a threshold, or one is out of range.
        """
        threshold = self.manifest.threshold
        return HysteresisSettings(
            start=threshold(f"{event}_start"),
            end=threshold(f"{event}_end"),
            n_smoothed=int(threshold(f"{event}_n_smoothed")),
            n_patience=int(threshold("n_patience")),
        )


class SoundEventReader:
    """Follows sound events through the frames that somebody else's history has computed.

    Args:
        model: Its manifest brings window, hop and thresholds.
        host: Settings of the frames that are shared; where they are others than the model's, the
            model gets a history of its own.
        min_level_db: A window whose hops are all below this level holds nothing, in dB full scale.
        with_rules: Whether cheering and screaming are sensed too; experimental.

    Attributes:
        n_hop: Samples from one window to the next.
        n_window: Samples in one window.

    Raises:
        ManifestError: If the hop of the model does not divide the one of ``host``, or a threshold
            is missing.
    """

    def __init__(
        self,
        model: SoundEventModel,
        host: AcousticSettings,
        min_level_db: float,
        *,
        with_rules: bool = False,
    ) -> None:
        mine = model.acoustic
        if host.n_hop % mine.n_hop:
            raise ManifestError(
                f"{model.manifest.path}: n_hop = {mine.n_hop} does not divide the hop of the voice "
                f"model, {host.n_hop}; change one of them."
            )
        self.n_hop = mine.n_hop
        self.n_window = mine.n_window
        shares = replace(mine, n_hop=host.n_hop).shares_frames_with(host)
        is_long_enough = host.n_frames >= mine.n_frames
        self._own = None if shares and is_long_enough else LogMelHistory(mine)
        self._model = model
        self._min_level_db = min_level_db
        self._rules = RuleSettings.from_manifest(model.manifest) if with_rules else None
        sensed = (*model.events, *(RULED_EVENTS if with_rules else ()))
        self._states = {event: EventHysteresis(model.hysteresis(event)) for event in sensed}
        vetoes = model.manifest.thresholds
        self._vetoes = {event: vetoes.get(f"{event}_speech_veto", 0.0) for event in sensed}
        self._n_quiet = 0
        self._every = 1
        self._n_heard = 0

    def ease(self, share: float) -> None:
        """Judge at most this share of the windows, (0, 1]: every one, or each second, and so on."""
        self._every = max(1, int(1.0 / share))

    def hear(
        self,
        hop: NDArray[np.float32],
        history: LogMelHistory,
        end_ns: int,
        speech_share: float = 0.0,
    ) -> SoundObservation | None:
        """Return what the window holds that ends with a hop, or None without one.

        There is none before the first window is full, nor where one was left out for ease.
        Who speaks does not laugh or cry at the same time: the manifest says which levels sink
        with the share of speech, and by how much.

        Args:
            hop: The next ``n_hop`` samples; where nothing is loud enough, nothing is computed.
            history: Of the host, with the hop already in it.
            end_ns: Monotonic clock at the end of the hop.
            speech_share: Share of the window that holds speech, [0, 1].
        """
        if self._own is not None:
            history = self._own
            history.extend(hop)
        self._n_heard += 1
        if self._n_heard % self._every:
            return None
        mine = self._model.acoustic
        observed_ns = end_ns - mine.n_window // 2 * NS_PER_S // mine.sample_rate_hz
        self._n_quiet = self._n_quiet + 1 if intensity_db(hop) < self._min_level_db else 0
        if self._n_quiet * self.n_hop >= mine.n_window:
            return self._observe(dict.fromkeys(self._states, 0.0), observed_ns)
        frames_db = history.latest_db()
        if frames_db.shape[0] < mine.n_frames:
            return None
        levels = self._levels(frames_db[-mine.n_frames :])
        for event, veto in self._vetoes.items():
            levels[event] *= 1.0 - veto * speech_share
        return self._observe(levels, observed_ns)

    def clear(self) -> None:
        """Forget everything, as after a gap or a pause."""
        self._n_quiet = 0
        for state in self._states.values():
            state.clear()
        if self._own is not None:
            self._own.clear()

    def _levels(self, window_db: NDArray[np.float32]) -> dict[str, float]:
        known = self._model.probabilities(window_db)
        levels = dict(zip(self._model.events, known.tolist(), strict=True))
        if self._rules is None:
            return levels
        # What the model knows better is not a cheer or a scream as well.
        rest = max(0.0, 1.0 - float(known.sum()))
        ruled = rule_levels(window_db, self._rules, self._model.acoustic)
        return {**{event: rest * level for event, level in ruled.items()}, **levels}

    def _observe(self, levels: dict[str, float], observed_ns: int) -> SoundObservation:
        for event, state in self._states.items():
            state.update(float(levels[event]))
        states = [self._states.get(event) for event in EVENTS]
        return SoundObservation(
            levels=tuple(None if state is None else state.level for state in states),
            active=tuple(state is not None and state.is_active for state in states),
            started=tuple(state is not None and state.has_started for state in states),
            ended=tuple(state is not None and state.has_ended for state in states),
            observed_ns=observed_ns,
        )
