"""One contract over the adapters of all engines, on stand-ins that behave as the packages do.

PocketSphinx is the real one. No model of the others is at hand: what the real packages are asked
for here is only how they refuse a folder that holds none.
"""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from edge_affect import config
from edge_affect.errors import ConfigError, InputMissingError, ManifestError
from edge_affect.perception.engine_moonshine import Moonshine
from edge_affect.perception.engine_sherpa import Sherpa
from edge_affect.perception.engine_vosk import Vosk
from edge_affect.perception.speech_recognition import load_recogniser, pcm16

SAID = "close my account"
N = 4096


class KaldiRecognizer:
    """As ``vosk.KaldiRecognizer``: words come when the sound has, in two parts."""

    def __init__(self):
        self.n = 0

    def AcceptWaveform(self, data):  # noqa: N802 (the package's name)
        self.n += len(data) // 2
        return self.n == N

    def Result(self):  # noqa: N802 (as above)
        return json.dumps({"text": "close my"})

    def FinalResult(self):  # noqa: N802 (as above)
        n, self.n = self.n, 0
        return json.dumps({"text": "account" if n > N else ""})

    def Reset(self):  # noqa: N802 (as above)
        self.n = 0


class SherpaStream:
    def __init__(self):
        self.n = 0
        self.is_finished = False
        self.n_decoded = 0

    def accept_waveform(self, rate_hz, samples):
        assert rate_hz == 16_000
        self.n += samples.size

    def input_finished(self):
        self.is_finished = True

    @property
    def result(self):
        return SimpleNamespace(text=f" {SAID} " if self.n_decoded else "")


class SherpaRecogniser:
    """As both kinds of ``sherpa_onnx`` recognisers."""

    def create_stream(self):
        return SherpaStream()

    def is_ready(self, stream):
        return stream.n_decoded < stream.n

    def decode_stream(self, stream):
        stream.n_decoded = stream.n

    def get_result(self, stream):
        return SAID if stream.is_finished and stream.n_decoded else ""


class MoonshineTranscriber:
    """As ``moonshine_voice.Transcriber``."""

    def transcribe_without_streaming(self, samples, rate_hz):
        assert rate_hz == 16_000
        assert all(isinstance(value, float) for value in samples[:3])
        assert len(samples) == 2 * N, "an abandoned utterance was kept"
        return SimpleNamespace(
            lines=[SimpleNamespace(text="close my "), SimpleNamespace(text="account")]
        )


ENGINES = {
    "vosk": lambda: Vosk(KaldiRecognizer(), "en"),
    "sherpa streaming": lambda: Sherpa(SherpaRecogniser(), "en", is_streaming=True),
    "sherpa at the end": lambda: Sherpa(SherpaRecogniser(), "en", is_streaming=False),
    "moonshine": lambda: Moonshine(MoonshineTranscriber(), "en"),
}


@pytest.fixture(params=sorted(ENGINES))
def engine(request):
    return ENGINES[request.param]()


def test_an_utterance_comes_in_parts_and_its_words_at_its_end(engine):
    for _ in range(2):  # the second utterance knows nothing of the first
        for _ in range(2):
            engine.hear(np.full(N, 0.1, dtype=np.float32))
        assert engine.finish().text() == SAID


def test_an_abandoned_utterance_is_forgotten(engine):
    engine.hear(np.full(N, 0.1, dtype=np.float32))
    engine.abandon()
    for _ in range(2):
        engine.hear(np.full(N, 0.1, dtype=np.float32))
    assert engine.finish().text() == SAID


def test_nothing_heard_is_no_words(engine):
    assert len(engine.finish()) == 0


@pytest.mark.parametrize(
    ("engine", "package"),
    [("vosk", "vosk"), ("sherpa-onnx", "sherpa_onnx"), ("moonshine", "moonshine_voice")],
)
def test_a_folder_without_a_model_is_one_sentence(tmp_path, engine, package):
    pytest.importorskip(package, reason=f"the package {package} is not installed")
    for folder, kind in ((tmp_path, ManifestError), (tmp_path / "none", InputMissingError)):
        settings = config.parse(
            f'[words]\nenabled = true\nengine = "{engine}"\nmodel = "{folder}"\n'
        )
        with pytest.raises(kind) as caught:
            load_recogniser(settings.words, ())
        assert str(folder) in str(caught.value)


def test_an_engine_that_is_not_installed_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr("sys.path", [])
    settings = config.parse(f'[words]\nenabled = true\nengine = "vosk"\nmodel = "{tmp_path}"\n')
    try:
        import vosk  # noqa: F401 (whether it is there)
    except ImportError:
        with pytest.raises(InputMissingError, match="pip install vosk"):
            load_recogniser(settings.words, ())
    else:
        pytest.skip("vosk is installed here")


def phrase(saying, listen_for="phrases"):
    return config.parse(
        f'[words]\nenabled = true\nlisten_for = "{listen_for}"\n[phrase.a]\nsay = ["{saying}"]\n'
    )


@pytest.mark.parametrize("listen_for", ["phrases", "commands"])
def test_pocketsphinx_hears_nothing_in_noise_and_can_be_abandoned(listen_for):
    pytest.importorskip("pocketsphinx", reason="needs the extra [words]")
    settings = phrase("speak to a manager", listen_for)
    real = load_recogniser(settings.words, settings.phrase)
    noise = np.random.default_rng(1).normal(0, 0.01, 16_000).astype(np.float32)
    real.hear(noise)
    real.abandon()
    assert len(real.finish()) == 0
    real.hear(noise)
    assert listen_for == "commands" or real.finish().text() == ""


def test_a_word_that_the_model_does_not_know_is_refused():
    pytest.importorskip("pocketsphinx", reason="needs the extra [words]")
    settings = phrase("cancel my blorptext")
    with pytest.raises(ConfigError, match="'blorptext', which is not in the dictionary"):
        load_recogniser(settings.words, settings.phrase)


def test_samples_become_integers_without_wrapping():
    assert pcm16(np.array([0.0, 1.0, -1.0, 2.0], np.float32)).tolist() == [0, 32767, -32768, 32767]
