"""What people should know about the law where the box stands: hints with their sources.

Nothing here changes what the box does, and nothing here is complete. Each row was written from the
public text of its source or from official statements about it, and says when that applies from;
laws change, and a lawyer knows more.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge_affect.config import JURISDICTIONS, SETTINGS

WITH_CHILDREN: tuple[str, ...] = ("home", "kiosk", "retail", "venue", "care", "classroom")
"""Settings where children are to be expected."""
PUBLIC: tuple[str, ...] = ("kiosk", "retail", "venue")
OUTSIDE_EU: tuple[str, ...] = tuple(j for j in JURISDICTIONS if j != "EU")


@dataclass(frozen=True, slots=True)
class Note:
    """One hint.

    Attributes:
        jurisdictions: Under whose law it matters.
        text: One or two sentences for the operator.
        source: Where it comes from.
        since: When that applies from, ISO 8601; empty where it is no matter of a date.
        settings: Where it matters.
        needs_exception: Only where an exception is declared.
        needs_words: Only where words are recognised.
    """

    jurisdictions: tuple[str, ...]
    text: str
    source: str
    since: str = ""
    settings: tuple[str, ...] = SETTINGS
    needs_exception: bool = False
    needs_words: bool = False


NOTES: tuple[Note, ...] = (
    Note(
        JURISDICTIONS,
        "Listening to what is said in private is a crime in many places, machines included and "
        "recording or not, unless those who speak agree. Leave [words] off where you are not sure.",
        "for example section 201 of the German Criminal Code and, in the United States, 18 U.S.C. "
        "2511 and the laws of states that ask for everybody's consent",
        needs_words=True,
    ),
    Note(
        ("EU",),
        "Tell people, clearly and at the latest when they are first exposed, that emotion "
        "recognition runs here.",
        "EU AI Act (Regulation (EU) 2024/1689), Article 50(3) and (5)",
        "2026-08-02",
    ),
    Note(
        ("EU",),
        "Emotion recognition is listed as high-risk AI, with duties for who makes and who operates "
        "such a system. As enacted they apply from 2 August 2026; the amendment agreed in May 2026 "
        "(Digital Omnibus) moves that to 2 December 2027: check what is in force.",
        "EU AI Act, Article 6(2), Article 26 and Annex III point 1(c)",
    ),
    Note(
        ("EU",),
        "The exception covers medical or safety reasons and nothing else. Write down why it "
        "applies, and have somebody check it who may say no.",
        "EU AI Act, Article 5(1)(f) and recital 44",
        "2025-02-02",
        ("classroom", "workplace"),
        needs_exception=True,
    ),
    Note(
        ("EU",),
        "People work here too. Do not point the box at them: their emotions at work may not be "
        "inferred, whatever setting is declared.",
        "EU AI Act, Article 5(1)(f)",
        "2025-02-02",
        ("kiosk", "retail", "venue", "contact-centre", "care"),
    ),
    Note(
        ("EU",),
        "The Commission's guidelines see the emotions of customers outside the prohibition and "
        "those of employees inside it. Guidelines explain the law, they are not the law.",
        "Commission guidelines on prohibited AI practices of 4 February 2025, on Article 5(1)(f)",
        "2025-02-04",
        ("contact-centre",),
    ),
    Note(
        ("EU", "UK"),
        "Faces and voices are personal data while they are analysed, even for a second. You need "
        "a legal basis and must say who you are, why you do it and on what basis.",
        "GDPR, from 25 May 2018 (UK GDPR, from 1 January 2021), Articles 6 and 13",
    ),
    Note(
        ("EU", "UK"),
        "Where the result says something about health, stricter conditions apply, such as explicit "
        "consent. The same holds for biometric data that identify; this box identifies nobody.",
        "GDPR, from 25 May 2018 (UK GDPR, from 1 January 2021), Article 9",
    ),
    Note(
        ("EU", "UK"),
        "A data-protection impact assessment is probably needed before you start; docs/dpia.md is "
        "a template with the answers that the software can give.",
        "GDPR, from 25 May 2018 (UK GDPR, from 1 January 2021), Article 35",
    ),
    Note(
        ("EU", "UK"),
        "Children are to be expected here. They merit specific protection; say how you protect "
        "them, or keep the box off while they are there.",
        "GDPR, from 25 May 2018 (UK GDPR, from 1 January 2021), recital 38",
        settings=WITH_CHILDREN,
    ),
    Note(
        ("UK",),
        "The regulator has warned that emotion analysis is immature and may discriminate, and that "
        "it will look into careless use.",
        "Information Commissioner's Office, statement on biometric technologies",
        "2022-10-26",
    ),
    Note(
        ("US",),
        "No federal law like the EU's is known to the makers; states differ. Illinois asks private "
        "bodies for written notice and a written release before scans of face geometry or "
        "voiceprints are collected. This box computes landmarks in memory: have it checked.",
        "Illinois Biometric Information Privacy Act, 740 ILCS 14, sections 10 and 15",
        "2008-10-03",
    ),
    Note(
        ("US",),
        "Some states ask for the consent of everybody in a conversation before it is listened to "
        "with a device. This box records nothing; have it checked all the same.",
        "18 U.S.C. section 2511; state law such as California Penal Code section 632",
    ),
    Note(
        ("CN",),
        "Biometric data, and all data of children under 14, are sensitive: a specific purpose, "
        "necessity and separate consent are needed, for children that of a parent or guardian.",
        "Personal Information Protection Law, Articles 28, 29 and 31",
        "2021-11-01",
    ),
    Note(
        ("CN",),
        "Assess the impact on personal information before sensitive data are handled, and keep "
        "the report.",
        "Personal Information Protection Law, Articles 55 and 56",
        "2021-11-01",
    ),
    Note(
        ("CN",),
        "Cameras in public places must serve public security, with clear signs; other uses of the "
        "pictures need separate consent.",
        "Personal Information Protection Law, Article 26",
        "2021-11-01",
        PUBLIC,
    ),
    Note(
        ("CN",),
        "Processing faces with face recognition needs a specific purpose, notice and consent. "
        "This box recognises nobody; whether the measures reach it is a question for a lawyer.",
        "Measures for the Security Management of the Application of Facial Recognition Technology "
        "(order no. 19 of 13 March 2025)",
        "2025-06-01",
    ),
    Note(
        OUTSIDE_EU,
        "The EU AI Act can reach you as well where what the box says is used in the EU.",
        "EU AI Act, Article 2(1)(c)",
        "2025-02-02",
    ),
    Note(
        ("other",),
        "The makers know nothing about the law where you are. Look it up before you start.",
        "no source",
    ),
    Note(
        OUTSIDE_EU,
        "Tell people that emotion recognition runs here, and give them a way to stay out of it, "
        "whatever the law says.",
        "this project",
    ),
)
