"""Group gaps where people smile alike: how much of a gap is left once smiles are taken out.

Pictures without labels may show one group smiling more than another, and a fair model then calls
them different things. The mesh says how far the corners of a mouth are drawn out and up, without
the expression model; groups are compared within pictures of like smiles, and each kind of smile
counts as it does among all pictures (direct standardisation; W. G. Cochran, "The effectiveness of
adjustment by subclassification in removing bias in observational studies", 1968).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.evaluation.figures import DIGITS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Members = NDArray[np.int64]

MOST_KINDS, FEWEST_KINDS = 5, 3
FEWEST_IN_CELL = 5
"""Pictures that every group must have of every kind of smile, or kinds are told less finely."""
N_DRAWS = 500


def kinds_of(smiles: NDArray[np.float64], n_kinds: int = MOST_KINDS) -> Members:
    """Return the kind of each smile, shape ``(n,)``, from the narrowest: equal shares of all.

    Equal smiles are of one kind, so that those at an end of the scale may make up a larger one.

    Args:
        smiles: In [0, 1], shape ``(n,)``.
        n_kinds: How many are told apart at most.
    """
    _, members, counts = np.unique(smiles, return_inverse=True, return_counts=True)
    middle = (np.cumsum(counts) - counts / 2) / smiles.size
    kinds = np.floor(middle * n_kinds).astype(np.int64)[members]
    return np.asarray(np.unique(kinds, return_inverse=True)[1], dtype=np.int64)


def gaps_at_equal_smiles(
    smiles: NDArray[np.float64],
    groups: NDArray[np.str_],
    metrics: Mapping[str, NDArray[np.bool_]],
) -> dict[str, dict[str, Any]] | None:
    """Return for each metric the gap between the groups that differ most, smiles being equal.

    ``interval`` comes from 500 draws of pictures within groups and kinds, for the two groups named;
    ``by_chance`` is the gap in one of twenty shuffles of the pictures within their kinds. None
    where some group has too few pictures of some kind, however few kinds are told apart.

    Args:
        smiles: In [0, 1], shape ``(n,)``.
        groups: Of each picture, shape ``(n,)``; at least two different ones.
        metrics: Whether it is a hit, shape ``(n,)``, by the name of the metric.
    """
    names, members = np.unique(groups, return_inverse=True)
    for most in range(MOST_KINDS, FEWEST_KINDS - 1, -1):
        kinds = kinds_of(smiles, most)
        n_kinds = int(kinds.max()) + 1
        cells, n_cells = members * n_kinds + kinds, names.size * n_kinds
        if np.bincount(cells, minlength=n_cells).min() >= FEWEST_IN_CELL:
            break
    else:
        return None
    hits = np.stack(list(metrics.values()), axis=1).astype(np.float64)
    weights = np.bincount(kinds) / kinds.size
    shares = _shares(cells, n_cells, hits, weights)
    generator = np.random.default_rng(0)
    drawn = np.stack(
        [
            _shares(cells, n_cells, hits[_rows_within(cells, generator, is_drawn=True)], weights)
            for _ in range(N_DRAWS)
        ]
    )
    shuffled = np.stack(
        [
            np.ptp(
                _shares(
                    cells, n_cells, hits[_rows_within(kinds, generator, is_drawn=False)], weights
                ),
                axis=0,
            )
            for _ in range(N_DRAWS)
        ]
    )
    by_chance = np.percentile(shuffled, 95, axis=0)
    found = {}
    for number, metric in enumerate(metrics):
        high, low = int(shares[:, number].argmax()), int(shares[:, number].argmin())
        ends = np.percentile(drawn[:, high, number] - drawn[:, low, number], [2.5, 97.5])
        found[metric] = {
            "highest": str(names[high]),
            "lowest": str(names[low]),
            "gap": round(float(shares[high, number] - shares[low, number]), DIGITS),
            "interval": [round(float(end), DIGITS) for end in ends],
            "by_chance": round(float(by_chance[number]), DIGITS),
            "n_kinds": n_kinds,
        }
    return found


def _shares(
    cells: Members, n_cells: int, hits: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the standardised share of hits, shape ``(n_groups, n_metrics)``."""
    sizes = np.bincount(cells, minlength=n_cells)
    sums = np.stack(
        [np.bincount(cells, weights=column, minlength=n_cells) for column in hits.T], axis=1
    )
    per_cell = (sums / sizes[:, None]).reshape(-1, weights.size, hits.shape[1])
    return np.asarray(np.einsum("gkm,k->gm", per_cell, weights))


def _rows_within(
    cells: Members, generator: np.random.Generator, *, is_drawn: bool
) -> NDArray[np.int64]:
    """Return for each row another of its cell: drawn with replacement, or shuffled."""
    rows = np.empty(cells.size, dtype=np.int64)
    for cell in np.unique(cells):
        inside = np.flatnonzero(cells == cell)
        rows[inside] = (
            generator.choice(inside, inside.size) if is_drawn else generator.permutation(inside)
        )
    return rows
