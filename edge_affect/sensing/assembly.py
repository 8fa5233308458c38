"""Puts the stages of one pipeline together from the configuration and the model files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edge_affect.capture.source import PacedSource
from edge_affect.fusion.circumplex import valence_arousal
from edge_affect.fusion.derived_states import DerivedStates
from edge_affect.fusion.joint import FILE_NAME, product_weights
from edge_affect.fusion.scene import SceneFusion
from edge_affect.fusion.wording import FILE_NAME as WORDS_FILE_NAME
from edge_affect.fusion.wording import Wording, WordsWeights
from edge_affect.own_models import in_use
from edge_affect.perception.model_store import shipped_models_dir
from edge_affect.privacy.gates import gate_of
from edge_affect.sensing.governor import Dials, Gauges, Governor, Limits
from edge_affect.sensing.pipeline import Pipeline, Stages
from edge_affect.states import load_states

LEAST_HOLD_S = 1.5
HELD_TICKS = 1.5
"""A phrase is told for this many ticks of the publisher at least, so that none misses it."""

if TYPE_CHECKING:
    from edge_affect.clock import Clock
    from edge_affect.config import Config
    from edge_affect.perception.face import FaceReader
    from edge_affect.perception.speech_recognition import Recogniser
    from edge_affect.perception.voice import VoiceReader
    from edge_affect.perception.words import UtteranceReaders, WordsReader
    from edge_affect.sensing.allowance import Allowance
    from edge_affect.sensing.source_worker import Source


def build_pipeline(
    config: Config,
    clock: Clock,
    *,
    has_sound: bool,
    has_pictures: bool,
    is_unhurried: bool = False,
    own: dict[str, Path] | None = None,
) -> Pipeline:
    """Return a pipeline whose models are loaded; a modality without a source loads nothing.

    Args:
        config: The configuration.
        clock: That the sources run on.
        has_sound: Whether voices are read.
        has_pictures: Whether faces are read.
        is_unhurried: Read every face of every frame, however long it takes: what is said of a
            recording must not depend on the machine's load.
        own: Manifests of own models by kind; None takes those that the configuration names.

    Raises:
        EdgeAffectError: If a model is missing or is not what its manifest says.
    """
    words = build_words_reader(config) if has_sound and config.words.enabled else None
    own = in_use(config.models) if own is None else own
    stages = Stages(
        voice=build_voice_reader(config, own) if has_sound else None,
        face=_face_reader(config, own, is_unhurried=is_unhurried) if has_pictures else None,
        fusion=SceneFusion(
            config.fusion,
            product_weights(shipped_models_dir() / FILE_NAME),
            wording=_wording(config) if words is not None else None,
            is_group=config.min_people > 1,
        ),
        gate=gate_of(config, valence_arousal),
        states=DerivedStates(load_states()),
        words=words,
    )
    return Pipeline(stages, clock)


def build_governor(
    config: Config,
    clock: Clock,
    allowance: Allowance,
    pipeline: Pipeline,
    video: Source | None,
) -> Governor:
    """Return what slows a live camera and the models down where that is needed."""

    def pace(frame_rate_hz: float) -> None:
        if isinstance(video, PacedSource):
            video.pace(frame_rate_hz)

    return Governor(
        clock,
        Gauges(clock, allowance),
        Dials(pace, pipeline.ease, lambda: pipeline.is_at_rest),
        Limits(config.sensing.hot_c, config.sensing.cpu_share),
        config.video.frame_rate_hz,
    )


def build_voice_reader(config: Config, own: dict[str, Path] | None = None) -> VoiceReader:
    """Return the voice reader with its models loaded; errors as `build_pipeline`."""
    from edge_affect.perception.activity import ActivityModel
    from edge_affect.perception.expression_model import VoiceExpressionModel
    from edge_affect.perception.sound_events import SoundEventModel, SoundEventReader
    from edge_affect.perception.speech_net import SpeechModel
    from edge_affect.perception.voice import SpokenReaders, VoiceReader
    from edge_affect.perception.voice_arousal import VoiceArousal
    from edge_affect.perception.voice_baseline import CallBaseline, VoiceBaselineModel

    own = in_use(config.models) if own is None else own
    model = VoiceExpressionModel.load(_name(own, "voice_expression"))
    events = None
    if config.events.enabled:
        events = SoundEventReader(
            SoundEventModel.load(_name(own, "sound_events")),
            model.acoustic,
            config.voice.min_level_db,
            with_rules=config.events.experimental,
        )
    detector, chunks, arousal = ActivityModel.load(), SpeechModel.load(), VoiceArousal.load()
    normal = VoiceBaselineModel.load()
    baseline = None
    # Another voice model has another order of labels, and a baseline of its own or none.
    if normal.labels == model.manifest.labels:
        share = model.acoustic.n_hop / model.acoustic.n_window
        baseline = CallBaseline(normal, config.fusion.call_end_s, share)
    spoken = SpokenReaders(arousal, baseline)
    return VoiceReader(model, detector, config.voice, events, chunks, spoken)


def build_words_reader(config: Config) -> WordsReader:
    """Return the reader of words with engine and lexicon loaded; errors as `build_pipeline`."""
    from edge_affect.perception.chunk_activity import ChunkActivity
    from edge_affect.perception.speech_net import SpeechModel
    from edge_affect.perception.speech_recognition import load_recogniser
    from edge_affect.perception.words import STEP_CHUNKS, WordsReader

    readers = build_utterance_readers(config, load_recogniser(config.words, config.phrase))
    activity = ChunkActivity(SpeechModel.load(), config.voice, STEP_CHUNKS)
    return WordsReader(readers, activity, config.words)


def build_utterance_readers(config: Config, recogniser: Recogniser) -> UtteranceReaders:
    """Return what one utterance goes through, around a given engine."""
    from edge_affect.perception.lexicon_reader import LexiconReader
    from edge_affect.perception.phrase_matching import PhraseMatcher
    from edge_affect.perception.words import UtteranceReaders

    words = config.words
    lexicon = Path(words.lexicon) if words.lexicon else None
    is_spotting = words.engine == "pocketsphinx" and words.listen_for != "dictation"
    reader = None if is_spotting else LexiconReader.load(words.language, lexicon)
    matcher = PhraseMatcher(config.phrase, is_spaced=words.language == "en")
    return UtteranceReaders(recogniser, reader, matcher)


def _wording(config: Config) -> Wording:
    weights = WordsWeights.load(shipped_models_dir() / WORDS_FILE_NAME)
    hold_s = max(LEAST_HOLD_S, HELD_TICKS / config.publish.tick_hz)
    return Wording(config.words, weights, hold_s)


def _face_reader(config: Config, own: dict[str, Path], *, is_unhurried: bool) -> FaceReader:
    from edge_affect.perception.face import FaceModels, FaceReader
    from edge_affect.perception.reading_pace import unhurried

    name = _name(own, "face_expression")
    pace = unhurried() if is_unhurried else None
    return FaceReader(FaceModels.load(name), config.face, pace)


def _name(own: dict[str, Path], kind: str) -> str:
    """Return what to load for a kind: the manifest of an own model, or the shipped one."""
    return str(own.get(kind, kind))
