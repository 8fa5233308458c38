"""Print what is usual in voices: the ends of the ramps in edge_affect/derived_states.toml.

    python tools/measure_state_scales.py --index audio/index.csv --root audio --speakers 1037-1091

For each number of prosody that a state uses, its spread over people (``between``), over one
person's clips (``within``), and percentiles of neutral and of all clips.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from edge_affect.evaluation.recordings import parse_speakers, read_index, read_samples
from edge_affect.perception.acoustic import clip_windows, log_mel_db
from edge_affect.perception.expression_model import VoiceExpressionModel
from edge_affect.perception.prosody import prosody_of
from edge_affect.perception.voice_arousal import VoiceArousal
from edge_affect.perception.voice_manner import manner
from edge_affect.record import Expression

NAMES = ("f0_st", "speech_rate_hz", "pause_share", "jitter", "f0_slope_st_per_s", "arousal")
PERCENTILES = (5, 25, 50, 75, 90, 95, 99)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--corpus", default="crema-d")
    parser.add_argument("--speakers", default="1037-1091")
    parser.add_argument("--every", type=int, default=4, help="take every so-many-th clip")
    args = parser.parse_args()
    speakers = parse_speakers(args.speakers)
    clips = read_index(args.index, args.root, args.corpus, speakers)[:: args.every]
    acoustic = VoiceExpressionModel.load().acoustic
    to_arousal = VoiceArousal.load()
    rows = []
    for clip in clips:
        window = clip_windows(read_samples(clip.path), acoustic)[0]
        prosody = prosody_of(window)
        arousal = to_arousal.arousal(manner(log_mel_db(window, acoustic), prosody))
        f0_hz = None if prosody is None else prosody.f0_hz
        f0_st = None if f0_hz is None else 12 * np.log2(f0_hz / 100)
        found = [getattr(prosody, name, None) for name in NAMES[1:-1]]
        rows.append([np.nan if v is None else float(v) for v in (f0_st, *found, arousal)])
    values = np.array(rows)
    is_neutral = np.array([clip.label == Expression.NEUTRAL for clip in clips])
    who = np.array([clip.speaker for clip in clips])
    print(f"n = {len(clips)}, neutral {is_neutral.sum()}, speakers {np.unique(who).size}")
    print("percentiles", PERCENTILES)
    for name, column in zip(NAMES, values.T, strict=True):
        groups = [column[(who == one) & ~np.isnan(column)] for one in np.unique(who)]
        means = np.array([group.mean() for group in groups if group.size])
        within = np.sqrt(np.mean([group.var(ddof=1) for group in groups if group.size > 1]))
        print(
            f"{name}: mean {np.nanmean(column):.4g} between {means.std(ddof=1):.4g} "
            f"within {within:.4g}"
        )
        print("  neutral", np.round(np.nanpercentile(column[is_neutral], PERCENTILES), 4))
        print("  all    ", np.round(np.nanpercentile(column, PERCENTILES), 4))


if __name__ == "__main__":
    main()
