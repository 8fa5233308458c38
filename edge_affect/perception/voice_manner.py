"""How somebody speaks in one window, as a few numbers that change with mood and with person.

The expression model sees a window with its level and contrast taken out. What that leaves out, and
what differs from person to person, is here: pitch and rhythm from `prosody`, the mean, spread,
loudest part and restlessness of eight bands from the log-mels that the model is given anyway.
Alone these say little; against what is normal for the same voice (`edge_affect.baseline`) they add
to what the model says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge_affect.errors import ShapeError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_affect.types import Prosody

N_BANDS = 8
ACTIVE_DB = 40.0
"""Frames whose loudest band is within this of the window's peak are looked at."""
FLOOR_DB = 80.0
"""Nothing is taken to be further below the peak than this."""
LOUD_SHARE = 0.25
"""The loudest part of the active frames."""

PROSODY_NAMES: tuple[str, ...] = (
    "voiced_share",
    "intensity_spread_db",
    "f0_st",
    "f0_spread_st",
    "f0_slope_st_per_s",
    "speech_rate_hz",
    "pause_share",
    "mean_pause_s",
    "spectral_slope_db",
    "centroid_octaves",
    "harmonicity",
    "jitter",
    "shimmer_db",
)
SPECTRUM_NAMES: tuple[str, ...] = tuple(
    f"{what}_{band}_db"
    for what in ("mean", "spread", "loud", "restlessness")
    for band in range(N_BANDS)
)
LEVEL_NAMES: tuple[str, ...] = ("level_db", "level_spread_db", "level_range_db", "level_step_db")
MANNER_NAMES: tuple[str, ...] = PROSODY_NAMES + SPECTRUM_NAMES + LEVEL_NAMES
"""What each number of a manner is; `PROSODY_NAMES` are fields of `types.Prosody`, frequencies as
semitones and octaves above 100 Hz and 1 kHz."""


def manner(window_db: NDArray[np.float32], prosody: Prosody | None) -> NDArray[np.float64]:
    """Return the manner of one window, shape ``(len(MANNER_NAMES),)``; NaN where it is not known.

    Args:
        window_db: Log-mels from `acoustic.log_mel_db`, shape ``(n_frames, n_mels)``, at least two
            frames, ``n_mels`` a multiple of `N_BANDS`.
        prosody: Of the same window, or None.

    Raises:
        ShapeError: If there are too few frames or another number of bands.
    """
    if window_db.ndim != 2 or window_db.shape[0] < 2 or window_db.shape[1] % N_BANDS:
        raise ShapeError(f"A manner needs log-mels in multiples of 8 bands, not {window_db.shape}.")
    return np.concatenate((_of_prosody(prosody), _of_spectrum(window_db)))


def _of_prosody(prosody: Prosody | None) -> NDArray[np.float64]:
    if prosody is None:
        return np.full(len(PROSODY_NAMES), np.nan)
    known = {
        name: np.nan if (value := getattr(prosody, name, None)) is None else float(value)
        for name in PROSODY_NAMES
    }
    if prosody.f0_hz is not None:
        known["f0_st"] = 12.0 * float(np.log2(prosody.f0_hz / 100.0))
    if prosody.centroid_hz is not None:
        known["centroid_octaves"] = float(np.log2(prosody.centroid_hz / 1_000.0))
    return np.array(list(known.values()))


def _of_spectrum(window_db: NDArray[np.float32]) -> NDArray[np.float64]:
    peak_db = window_db.max()
    raised = np.maximum(window_db, peak_db - FLOOR_DB).astype(np.float64)
    is_active = raised.max(axis=1) >= peak_db - ACTIVE_DB
    levels_db = 10.0 * np.log10(np.sum(10.0 ** (raised / 10.0), axis=1))
    bands = raised.reshape(raised.shape[0], N_BANDS, -1)
    active, active_db = bands[is_active], levels_db[is_active]
    loud = active[active_db >= np.quantile(active_db, 1.0 - LOUD_SHARE)]
    steps = np.diff(bands, axis=0)[is_active[1:] & is_active[:-1]]
    steps_db = np.diff(levels_db)[is_active[1:] & is_active[:-1]]
    quiet_db, loud_db = np.quantile(active_db, (0.1, 0.95))
    means = active.mean(axis=(0, 2))
    restlessness = np.sqrt(np.square(steps).mean(axis=(0, 2))) if len(steps) else np.zeros(N_BANDS)
    return np.concatenate(
        (
            means - means.mean(),
            active.std(axis=0).mean(axis=1),
            loud.mean(axis=(0, 2)) - means.mean(),
            restlessness,
            [
                active_db.mean(),
                active_db.std(),
                loud_db - quiet_db,
                np.abs(steps_db).mean() if len(steps_db) else 0.0,
            ],
        )
    )


def clip_manner(manners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean over a clip's windows of what is known in each, shape ``(n,)``.

    Args:
        manners: Shape ``(n_windows, n)``.
    """
    is_known = ~np.isnan(manners)
    n_known = is_known.sum(axis=0)
    sums = np.where(is_known, manners, 0.0).sum(axis=0)
    return np.where(n_known > 0, sums / np.maximum(n_known, 1), np.nan)
