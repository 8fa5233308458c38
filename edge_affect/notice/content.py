"""What stands on the notice of one box, taken from its configuration and nowhere else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edge_affect.anonymity import AGGREGATE_WINDOW_S
from edge_affect.errors import ConfigError
from edge_affect.hours import DAYS
from edge_affect.publishing.about import about_payload

if TYPE_CHECKING:
    from edge_affect.config import Config
    from edge_affect.notice.texts import Texts

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PHONE = re.compile(r"\+?[\d ()/-]{5,}")


@dataclass(frozen=True, slots=True)
class Section:
    """One heading and what stands below it, a paragraph each."""

    heading: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice, ready to be set.

    Attributes:
        html_lang: BCP 47 tag of the language.
        title: Headline.
        subtitle: The one sentence to read in passing.
        sections: In reading order; the contact is apart.
        contact_heading: Over the contact.
        contact: As configured.
        code_caption: Under the QR code.
        link: What the QR code holds.
    """

    html_lang: str
    title: str
    subtitle: str
    sections: tuple[Section, ...]
    contact_heading: str
    contact: str
    code_caption: str
    link: str


def notice(config: Config, texts: Texts) -> Notice:
    """Return the notice of a box in one language; its figures are those of ``about``.

    Raises:
        ConfigError: If purpose or contact is not declared, or nothing is sensed.
    """
    about = about_payload(config, ())
    for name in ("purpose", "contact"):
        if not about[name]:
            raise ConfigError(f"[deployment] {name} is not set; people must be told it.")
    if not about["sensed"]:
        raise ConfigError("[audio] and [video] are both off; there is nothing to tell people of.")
    return Notice(
        html_lang=texts.html_lang,
        title=texts.title,
        subtitle=texts.subtitle,
        sections=tuple(_sections(config, texts, about)),
        contact_heading=texts.contact,
        contact=about["contact"],
        code_caption=texts.contact_code,
        link=link(about["contact"]),
    )


def _sections(config: Config, texts: Texts, about: dict[str, Any]) -> list[Section]:
    facts = {
        "n_per_s": f"{about['leak_ceiling']['records_per_s']:g}",
        "n_bytes": about["leak_ceiling"]["record_bytes"],
        "min_people": about["min_people"],
        "noise_min": AGGREGATE_WINDOW_S // 60,
        "raw_s": about["retention"]["raw_data_s"],
        "unsent_min": -(-about["retention"]["unsent_records_s"] // 60),
        "bits_per_s": f"{about['leak_ceiling']['bits_per_s']:.0f}",
        "hours": _in_words(config.consent.hours, texts),
        "time_zone": config.consent.time_zone or texts.local_time,
    }
    spoken = {
        "voice": texts.measured_voice,
        "face": texts.measured_face,
        "words": texts.measured_words,
    }
    measured = [spoken[name] for name in about["sensed"] if name in spoken]
    leaves = [texts.leaves_text]
    if about["min_people"] > 1:
        leaves.append(texts.leaves_noisy if about["group"]["noise"] else texts.leaves_group)
    found = [
        (texts.purpose, [config.deployment.purpose]),
        (texts.measured, [*measured, texts.measured_limit]),
        (texts.leaves, [line.format(**facts) for line in leaves]),
        (texts.never, [texts.never_text]),
        (
            texts.retention,
            [line.format(**facts) for line in (texts.retention_text, texts.retention_unsent)],
        ),
        (texts.ceiling, [texts.ceiling_text.format(**facts)]),
    ]
    if config.consent.hours:
        found.append((texts.hours, [texts.hours_text.format(**facts)]))
    if config.deployment.legal_basis:
        found.append((texts.legal_basis, [config.deployment.legal_basis]))
    if config.deployment.exception:
        found.append((texts.exception, [getattr(texts, f"exception_{about['exception']}")]))
    found.append((texts.rights, [texts.rights_text]))
    return [Section(heading, tuple(lines)) for heading, lines in found]


def _in_words(hours: str, texts: Texts) -> str:
    """Return hours with the days as a language abbreviates them."""
    for name, word in zip(DAYS, texts.days, strict=True):
        hours = re.sub(rf"\b{name}\b", word, hours, flags=re.IGNORECASE)
    return hours


def link(contact: str) -> str:
    """Return a contact as what a telephone's camera can act on.

    >>> link("owner@example.org"), link("https://example.org/x"), link("+49 30 1234")
    ('mailto:owner@example.org', 'https://example.org/x', 'tel:+49301234')
    """
    if contact.startswith(("http://", "https://", "mailto:", "tel:")):
        return contact
    if _EMAIL.fullmatch(contact):
        return f"mailto:{contact}"
    if _PHONE.fullmatch(contact):
        return "tel:" + re.sub(r"[^+\d]", "", contact)
    return contact
