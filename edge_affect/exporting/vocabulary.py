"""The words of an EmotionML document, our own and those of the W3C that they stand for.

EmotionML 1.0 is a W3C Recommendation of 2014; its ready vocabularies are the W3C note "Vocabularies
for EmotionML". The six of ``big6`` are six of our eight expressions; neutral and contempt have no
counterpart there.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge_affect.record import EXPRESSIONS, STATES

NAMESPACE = "http://www.w3.org/2009/10/emotionml"
OWN_NAMESPACE = "urn:edge-affect:emotionml:1.0"
W3C = "http://www.w3.org/TR/emotion-voc/xml"
BIG6_URI = f"{W3C}#big6"
FSRE_DIMENSIONS_URI = f"{W3C}#fsre-dimensions"
BIG6: tuple[str, ...] = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
CATEGORIES_ID = "edge-affect-expressions"
DIMENSIONS_ID = "edge-affect-dimensions"
SIGNED_DIMENSIONS: tuple[str, ...] = ("valence", "arousal", "valence-relative", "arousal-relative")
"""Told from -1 to 1 elsewhere; EmotionML's scale is 0 to 1, so that 0.5 is the middle."""


@dataclass(frozen=True, slots=True)
class Item:
    """One word of a vocabulary.

    Attributes:
        name: As it stands in ``category`` or ``dimension``.
        meaning: For people.
        same_as: Vocabulary and word of the W3C that mean the same, or None.
    """

    name: str
    meaning: str
    same_as: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Which words a document uses.

    Attributes:
        category_set: URI of the categories.
        dimension_set: URI of the dimensions.
        categories: Their names.
        dimensions: Theirs.
        is_own: Whether the document has to bring them along.
    """

    category_set: str
    dimension_set: str
    categories: tuple[str, ...]
    dimensions: tuple[str, ...]
    is_own: bool


OWN_CATEGORIES: tuple[Item, ...] = tuple(
    Item(name, f"Share of {name} in what is expressed.", (BIG6_URI, name) if name in BIG6 else None)
    for name in EXPRESSIONS
)
_MEANINGS: dict[str, str] = {
    "valence": "Unpleasant (0) to pleasant (1); 0.5 is neither.",
    "arousal": "Calm (0) to excited (1); 0.5 is neither.",
    "valence-relative": "Valence against what is normal here; 0.5 is as usual.",
    "arousal-relative": "Arousal against what is normal here; 0.5 is as usual.",
}
OWN_DIMENSIONS: tuple[Item, ...] = (
    *(
        Item(
            name,
            _MEANINGS[name],
            (FSRE_DIMENSIONS_URI, name) if name in ("valence", "arousal") else None,
        )
        for name in SIGNED_DIMENSIONS
    ),
    *(Item(name, f"Derived state: {name}.") for name in STATES),
)
OWN = Vocabulary(
    f"#{CATEGORIES_ID}",
    f"#{DIMENSIONS_ID}",
    tuple(item.name for item in OWN_CATEGORIES),
    tuple(item.name for item in OWN_DIMENSIONS),
    is_own=True,
)
W3C_BIG6 = Vocabulary(
    BIG6_URI, FSRE_DIMENSIONS_URI, BIG6, ("valence", "arousal"), is_own=False
)  # fmt: skip
VOCABULARIES: dict[str, Vocabulary] = {"own": OWN, "big6": W3C_BIG6}
