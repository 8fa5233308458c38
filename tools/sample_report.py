"""Write a sample report made of made-up records: how reports look, without anybody's recording.

python tools/sample_report.py --kind show --language en --out show.html
"""

import argparse
import math
import random
import re
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "unit"))

from report_parts import CENTRE, WITH_PHRASES, nothing, results, room, voice

from edge_affect.reporting.languages import LANGUAGES
from edge_affect.reporting.making import KINDS, Wish, report
from edge_affect.reporting.markers import Marker
from edge_affect.reporting.page import page
from edge_affect.reporting.results import Results

ACTS = (("Welcome", 300), ("Overture", 240), ("The long proof", 420), ("Questions", 240),
        ("Finale", 240))  # fmt: skip
_SAID = ((1, 0, 0, 0, 0, 0, 0, 0), (0, 1, 0, 0, 0, 0, 0, 0))


def _level(value: float, full: int) -> int:
    return max(0, min(full, round(value)))


def evening(rng: random.Random) -> list:
    """Return a show: the middle loses people, the end makes them laugh."""
    records, swing, laugh = [], 0.0, 0
    for name, length_s in ACTS:
        is_dull = name == "The long proof"
        chance = {"Questions": 0.02, "Finale": 0.06}.get(name, 0.005)
        for second in range(length_s):
            swing = 0.9 * swing + rng.gauss(0, 0.4)
            laugh = 4 if rng.random() < chance else max(0, laugh - 1)
            dip = 4 * math.sin(math.pi * second / length_s) if is_dull else 0.0
            records.append(
                room(
                    attention=_level(11 + swing - dip, 14), laughter=6 if laugh else 0,
                    confusion=_level(2 + abs(swing) + 1.3 * dip, 14),
                    engagement=_level(9 + 0.5 * swing - 0.6 * dip + laugh / 2, 14),
                )
            )  # fmt: skip
    return records


def call(rng: random.Random) -> list:
    """Return a call that may turn angry when a contract is named."""
    is_angry, start = rng.random() < 0.6, rng.randint(60, 160)
    end = start + rng.randint(20, 60) if is_angry else start
    records = []
    for second in range(240):
        if rng.random() < 0.1:
            records.append(nothing())
            continue
        angry = start <= second < end
        said = (0,) * 8
        if rng.random() < (0.03 if angry else 0.002):
            said = _SAID[0]
        elif rng.random() < 0.01:
            said = _SAID[1]
        records.append(voice(_level(rng.gauss(9, 2) if angry else rng.gauss(1, 1), 15), said))
    return records


def main() -> None:
    """Write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", choices=KINDS, default="show")
    parser.add_argument("--language", choices=tuple(LANGUAGES), default="en")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    rng = random.Random(4)  # noqa: S311 (made-up records are no secret)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        if args.kind == "contact-centre":
            calls = {f"call-{number:03d}": call(rng) for number in range(60)}
            results(out, calls, re.sub(r"</?[bi]>", "", CENTRE + WITH_PHRASES))
            wish = Wish(args.kind, alerts_per_week=60)
        else:
            results(out, {"evening": evening(rng)})
            starts = [sum(length for _, length in ACTS[:number]) for number in range(len(ACTS))]
            markers = zip(starts, (name for name, _ in ACTS), strict=True)
            wish = Wish(args.kind, tuple(Marker(at, name) for at, name in markers))
        text = page(report(Results(out), wish, LANGUAGES[args.language]))
    args.out.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
