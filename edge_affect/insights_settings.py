"""The configuration table ``[insights]``: what may be made of recordings."""

from __future__ import annotations

from dataclasses import dataclass

from edge_affect.keys import key

MONO_REFUSED, MONO_CUSTOMER = "refuse", "customer"


@dataclass(frozen=True, slots=True)
class Insights:
    """Recordings that are analysed by ``edge-affect analyze``."""

    mono_recordings: str = key(
        MONO_REFUSED,
        "in a contact centre: customer declares that mono recordings hold the customer alone",
        choices=(MONO_REFUSED, MONO_CUSTOMER),
    )
    phrases: bool = key(
        False,  # noqa: FBT003 (the default comes first for every key)
        "tell when configured phrases were said; needs [deployment] legal_basis",
    )
