"""Compare what two machines said about the same recordings, tick by tick, in quantisation steps.

Both files hold the lines of ``edge-affect replay --fast --json``. Processors round differently, so
that a level may come out one step higher or lower; more than that, or another expression where one
was clearly ahead, is a fault. Ends with 0 if they agree, 1 if not.

usage: tools/compare_vectors.py ONE.jsonl OTHER.jsonl [--json]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edge_affect.record import (
    CONFIDENCE_MAX,
    EVENT_MAX,
    EXPRESSION_SUM,
    SHARE_MAX,
    SIGNED_MAX,
    STATE_MAX,
)

LEVEL_STEP = 1 / EXPRESSION_SUM
AFFECT_STEP = 1 / SIGNED_MAX
STEPS: dict[str, float] = {
    "valence": AFFECT_STEP,
    "arousal": AFFECT_STEP,
    "valence_relative": AFFECT_STEP,
    "arousal_relative": AFFECT_STEP,
    "confidence": 1 / CONFIDENCE_MAX,
    "speech_share": 1 / SHARE_MAX,
    "expressions": LEVEL_STEP,
    "states": 1 / STATE_MAX,
    "events": 1 / EVENT_MAX,
}
"""What the record resolves of each."""
EXACT = ("abstained", "modalities", "people")
MAX_OFF = 0.01
"""Share of values that may be off by more than a step, or of words that may differ."""


def values_of(vector: dict[str, Any]) -> Iterator[tuple[str, float, Any]]:
    """Yield the name, step and value of everything that is compared; step 0 stands for words."""
    for name, step in STEPS.items():
        value = vector[name]
        if isinstance(value, dict):
            for part, number in value.items():
                yield f"{name}.{part}", step, number
        else:
            yield name, step, value
    for name in EXACT:
        yield name, 0.0, vector[name]


def difference(step: float, one: Any, other: Any) -> float:
    """Return by how many steps two values differ; infinity where they are of another kind."""
    if one == other:
        return 0.0
    if not step or one is None or other is None:
        return float("inf")
    return abs(one - other) / step


def read(path: Path) -> list[dict[str, Any]]:
    """Return the vectors of a file.

    Raises:
        SystemExit: If it has none.
    """
    vectors = [json.loads(line) for line in path.read_text().splitlines() if line.startswith("{")]
    if not vectors:
        raise SystemExit(f"{path} has no vectors.")
    return vectors


def compare(ones: list[dict[str, Any]], others: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the figures of a comparison."""
    n_values = n_equal = n_off = 0
    worst: dict[str, float] = {}
    clear_mistakes = 0
    for one, other in zip(ones, others, strict=True):
        for (name, step, a), (_name, _step, b) in zip(
            values_of(one), values_of(other), strict=True
        ):
            steps = difference(step, a, b)
            n_values += 1
            n_equal += steps == 0
            # A touch more than 1, since values are rounded to three digits as they are written.
            n_off += steps > 1.05
            worst[name] = max(worst.get(name, 0.0), steps)
        clear_mistakes += is_clearly_another(one, other)
    return {
        "ticks": len(ones),
        "values": n_values,
        "equal": n_equal,
        "off_by_more_than_a_step": n_off,
        "clearly_another_expression": clear_mistakes,
        "worst": {name: steps for name, steps in worst.items() if steps > 1.05},
    }


def is_clearly_another(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether the strongest expressions differ although one was ahead by over two steps."""
    if one["expression"] is None or other["expression"] is None:
        return False
    levels = sorted(one["expressions"].values(), reverse=True)
    return one["expression"] != other["expression"] and levels[0] - levels[1] > 2 * LEVEL_STEP


def main() -> int:
    """Compare two files and say what was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("one", type=Path)
    parser.add_argument("other", type=Path)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    ones, others = read(args.one), read(args.other)
    if len(ones) != len(others):
        print(f"{len(ones)} ticks against {len(others)}: not of the same recordings.")
        return 1
    found = compare(ones, others)
    agree = (
        found["off_by_more_than_a_step"] <= MAX_OFF * found["values"]
        and not found["clearly_another_expression"]
    )
    if args.json:
        print(json.dumps({**found, "agree": agree}))
    else:
        print(
            f"{found['ticks']} ticks, {found['values']} values: {found['equal']} equal, "
            f"{found['off_by_more_than_a_step']} off by more than a quantisation step, "
            f"{found['clearly_another_expression']} times clearly another expression."
        )
        for name, steps in found["worst"].items():
            print(f"  {name}: {steps:.2g} steps")
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
