"""What the box does because of where it stands: the rules, as a table. No legal advice.

Only what is in this table changes behaviour; what people should know besides is in ``notes``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from edge_affect.config import EXCEPTIONS, GROUP_SETTINGS, JURISDICTIONS


class Effect(Enum):
    """What a rule does."""

    REFUSE = "refuse"
    GROUP_ONLY = "group values only"
    ONE_CHANNEL = "one chosen audio channel only"
    NO_CAMERA = "no camera"
    NO_WORDS = "no words"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the policy.

    Attributes:
        settings: Where it applies.
        jurisdictions: Under whose law.
        effect: What it does.
        lifted_by: Declared exceptions under which it does not apply.
        source: Article, or the reason of this project, as the middle of a sentence.
        since: Date from which the law behind it applies, ISO 8601; empty where no law is behind it.
    """

    settings: tuple[str, ...]
    jurisdictions: tuple[str, ...]
    effect: Effect
    lifted_by: tuple[str, ...]
    source: str
    since: str = ""


RULES: tuple[Rule, ...] = (
    Rule(
        settings=("classroom", "workplace"),
        jurisdictions=("EU",),
        effect=Effect.REFUSE,
        lifted_by=("medical", "safety"),
        source=(
            "Article 5(1)(f) of the EU AI Act (Regulation (EU) 2024/1689), in force since "
            "2 February 2025, prohibits inferring emotions at work and in education, medical and "
            "safety reasons apart"
        ),
        since="2025-02-02",
    ),
    Rule(
        settings=GROUP_SETTINGS,
        jurisdictions=JURISDICTIONS,
        effect=Effect.GROUP_ONLY,
        lifted_by=tuple(filter(None, EXCEPTIONS)),
        source="pupils and employees cannot freely refuse, so only groups are described",
    ),
    Rule(
        settings=("contact-centre",),
        jurisdictions=JURISDICTIONS,
        effect=Effect.ONE_CHANNEL,
        lifted_by=(),
        source="only the customer's channel may be analysed, never the employee's",
    ),
    Rule(
        settings=("contact-centre",),
        jurisdictions=JURISDICTIONS,
        effect=Effect.NO_CAMERA,
        lifted_by=(),
        source="a camera there would see the employees",
    ),
    Rule(
        settings=GROUP_SETTINGS,
        jurisdictions=JURISDICTIONS,
        effect=Effect.NO_WORDS,
        lifted_by=tuple(filter(None, EXCEPTIONS)),
        source="what pupils and employees say is not listened to",
    ),
)
