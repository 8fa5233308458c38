"""The languages that reports speak."""

from __future__ import annotations

from edge_affect.reporting.texts import EN
from edge_affect.reporting.texts_zh import ZH

LANGUAGES = {"en": EN, "zh": ZH}
