"""Print what the scenes of the cost guard cost now, as benchmarks/budget.toml has it.

python tools/print_budget.py

Nothing is written: whoever changes the budget does so by hand, number by number.
"""

from __future__ import annotations

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1] / "tests"


def main() -> None:
    """Count and print."""
    sys.path[:0] = [str(TESTS), str(TESTS / "unit")]
    import test_cost_guard as guard

    paths = guard.built_paths()
    for scene in guard.SCENES:
        cost = guard.cost_of(paths, scene)
        print(f"[{scene}]\npeak_kib = {cost.pop('peak_kib')}\n")
        for group, counts in cost.items():
            if counts:
                print(f"[{scene}.{group}]")
                print("".join(f"{name} = {number:_}\n" for name, number in counts.items()))


if __name__ == "__main__":
    main()
