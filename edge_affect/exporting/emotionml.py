"""W3C EmotionML 1.0 out of affect records, one element at a time in bounded memory.

A record becomes one ``emotion``: the share of each expression as the value of a category, the
calibrated confidence with the strongest, valence, arousal and derived states as dimensions. A
record that abstains becomes nothing: EmotionML has no word for "not known".
"""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, TextIO
from urllib.parse import quote
from xml.sax.saxutils import XMLGenerator
from xml.sax.xmlreader import AttributesImpl

from edge_affect import __version__
from edge_affect.exporting.vocabulary import (
    CATEGORIES_ID,
    DIMENSIONS_ID,
    NAMESPACE,
    OWN,
    OWN_CATEGORIES,
    OWN_DIMENSIONS,
    OWN_NAMESPACE,
    SIGNED_DIMENSIONS,
)
from edge_affect.record import (
    CONFIDENCE_MAX,
    EXPRESSION_SUM,
    EXPRESSIONS,
    SIGNED_MAX,
    STATE_MAX,
    STATES,
    AbstainReason,
    AffectRecord,
    Modality,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_affect.exporting.vocabulary import Item, Vocabulary

THROUGH: dict[Modality, str] = {
    Modality.VOICE: "voice", Modality.FACE: "face", Modality.WORDS: "text",
}  # fmt: skip
"""Our modalities in the words that EmotionML suggests for ``expressed-through``."""
_URI_SAFE = ":/?#[]@!$&'()*+,;=%~"


class EmotionmlWriter:
    """Writes one document; use it as a context manager, which leaves it well-formed.

    Args:
        out: UTF-8 text is written here; it is not closed.
        vocabulary: Whose words to use.
        recording: URI of the recording that times are positions in; None where they are dates.
    """

    def __init__(
        self, out: TextIO, vocabulary: Vocabulary = OWN, recording: str | None = None
    ) -> None:
        self._xml = _generator(out)
        self._vocabulary = vocabulary
        self._recording = None if recording is None else quote(recording, safe=_URI_SAFE)
        self.n_written = 0

    def __enter__(self) -> EmotionmlWriter:  # noqa: PYI034 (typing.Self needs Python 3.11)
        self._xml.startDocument()
        sets = {
            "category-set": self._vocabulary.category_set,
            "dimension-set": self._vocabulary.dimension_set,
        }
        self._open("emotionml", {"xmlns": NAMESPACE, "version": "1.0", **sets})
        self._line(1)
        self._open("info")
        self._element("made-by", {"xmlns": OWN_NAMESPACE, "version": __version__})
        self._xml.characters("Expressed affect: what is shown, not what is felt.")
        self._close("info")
        if self._vocabulary.is_own:
            write_vocabularies(self._xml)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._line(0)
        self._close("emotionml")
        self._line(0)
        self._xml.endDocument()

    def write(self, record: AffectRecord, start_ms: int, end_ms: int | None = None) -> bool:
        """Write one record and return whether it says anything.

        Args:
            record: What was expressed.
            start_ms: When: milliseconds since 1970, or into the recording.
            end_ms: Until when, not before ``start_ms``; None where that is not known.

        Raises:
            ValueError: If the times are negative or the wrong way round.
        """
        if start_ms < 0 or (end_ms is not None and end_ms < start_ms):
            raise ValueError(f"start_ms is {start_ms}, end_ms is {end_ms}")
        categories = self._categories(record)
        dimensions = self._dimensions(record)
        if not categories and not dimensions:
            return False
        self._line(1)
        self._open("emotion", {**self._times(start_ms, end_ms), **_through(record)})
        for name, attributes in categories.items():
            self._line(2)
            self._element("category", {"name": name, **attributes})
        for name, value in dimensions.items():
            self._line(2)
            self._element("dimension", {"name": name, "value": value})
        self._line(1)
        self._close("emotion")
        self.n_written += 1
        return True

    def _times(self, start_ms: int, end_ms: int | None) -> dict[str, str]:
        if self._recording is None:
            end = {} if end_ms is None else {"end": str(end_ms)}
            return {"start": str(start_ms), **end}
        duration = {} if end_ms is None else {"duration": str(end_ms - start_ms)}
        return {
            "time-ref-uri": self._recording,
            "time-ref-anchor-point": "start",
            "offset-to-start": str(start_ms),
            **duration,
        }

    def _categories(self, record: AffectRecord) -> dict[str, dict[str, str]]:
        if record.abstained != AbstainReason.NONE:
            return {}
        top = record.expressions.index(max(record.expressions))
        told: dict[str, dict[str, str]] = {}
        for index, name in enumerate(EXPRESSIONS):
            if name not in self._vocabulary.categories:
                continue
            told[name] = {"value": _share(record.expressions[index], EXPRESSION_SUM)}
            if index == top:
                told[name]["confidence"] = _share(record.confidence, CONFIDENCE_MAX)
        return told

    def _dimensions(self, record: AffectRecord) -> dict[str, str]:
        signed = (record.valence, record.arousal, record.valence_relative, record.arousal_relative)
        told: dict[str, str] = {}
        for name, step in zip(SIGNED_DIMENSIONS, signed, strict=True):
            if step is not None:
                told[name] = _share(step + SIGNED_MAX, 2 * SIGNED_MAX)
        for name, step in zip(STATES, record.states, strict=True):
            if step is not None:
                told[name] = _share(step, STATE_MAX)
        return {name: text for name, text in told.items() if name in self._vocabulary.dimensions}

    def _open(self, name: str, attributes: dict[str, str] | None = None) -> None:
        self._xml.startElement(name, AttributesImpl(attributes or {}))

    def _close(self, name: str) -> None:
        self._xml.endElement(name)

    def _element(self, name: str, attributes: dict[str, str]) -> None:
        self._open(name, attributes)
        self._close(name)

    def _line(self, depth: int) -> None:
        self._xml.ignorableWhitespace("\n" + "  " * depth)


def write_vocabularies(xml: XMLGenerator) -> None:
    """Write our own vocabularies with what they mean and what they stand for at the W3C."""
    _write_vocabulary(xml, "category", CATEGORIES_ID, OWN_CATEGORIES)
    _write_vocabulary(xml, "dimension", DIMENSIONS_ID, OWN_DIMENSIONS)


def _write_vocabulary(xml: XMLGenerator, kind: str, name: str, items: Sequence[Item]) -> None:
    xml.ignorableWhitespace("\n  ")
    xml.startElement("vocabulary", AttributesImpl({"type": kind, "id": name}))
    for item in items:
        xml.ignorableWhitespace("\n    ")
        xml.startElement("item", AttributesImpl({"name": item.name}))
        xml.startElement("info", AttributesImpl({}))
        if item.same_as is not None:
            uri, word = item.same_as
            same = {"xmlns": OWN_NAMESPACE, "vocabulary": uri, "item": word}
            xml.startElement("same-as", AttributesImpl(same))
            xml.endElement("same-as")
        xml.characters(item.meaning)
        xml.endElement("info")
        xml.endElement("item")
    xml.ignorableWhitespace("\n  ")
    xml.endElement("vocabulary")


def vocabulary_document(out: TextIO) -> None:
    """Write our vocabularies as a document of their own, for others to refer to."""
    xml = _generator(out)
    xml.startDocument()
    xml.startElement("emotionml", AttributesImpl({"xmlns": NAMESPACE, "version": "1.0"}))
    write_vocabularies(xml)
    xml.ignorableWhitespace("\n")
    xml.endElement("emotionml")
    xml.ignorableWhitespace("\n")
    xml.endDocument()


def _generator(out: TextIO) -> XMLGenerator:
    # Any text stream does; the stubs know only the classes of io.
    return XMLGenerator(out, "utf-8", short_empty_elements=True)  # type: ignore[arg-type]


def _through(record: AffectRecord) -> dict[str, str]:
    words = [word for modality, word in THROUGH.items() if modality in record.modalities]
    return {"expressed-through": " ".join(words)} if words else {}


def _share(step: int, full: int) -> str:
    return f"{step / full:.3f}".rstrip("0").rstrip(".")
