"""The Pareto set of numbers, by sorting: which rows no other row is at least as good as everywhere and better than somewhere."""

from bisect import bisect_left, bisect_right

import numpy as np


def undominated(costs):
    """Whether each row of `costs` is in the Pareto set, where less is better in every column: a boolean array.

    Equal rows stand or fall together. Up to three columns take n log n steps (Kung, Luccio and Preparata, 1975); more
    take as many passes over the rows as the set has members.

    Parameters
    ----------
    costs : ndarray
        Numbers without gaps, one column or more.

    Examples
    --------
    >>> undominated(np.array([[1.0, 9.0], [2.0, 9.0], [3.0, 5.0]])).tolist()
    [True, False, True]
    """
    # Distinct rows in order: a row can then only be dominated by one before it.
    rows, back = np.unique(costs, axis=0, return_inverse=True)
    kept = _by_staircase(rows) if rows.shape[1] <= 3 else _by_passes(rows)
    return kept[back.reshape(-1)]


def _by_staircase(rows):
    """Rows sorted by their first column; the others, second rising and third falling, are the steps of a stair."""
    blank = np.zeros((len(rows), 3 - rows.shape[1]))
    second, third, kept = [], [], []
    for _, y, z in np.hstack([rows, blank]).tolist():
        below = bisect_right(second, y)
        kept.append(not below or third[below - 1] > z)
        if kept[-1]:
            start = bisect_left(second, y)
            end = start
            while end < len(third) and third[end] >= z:
                end += 1
            second[start:end], third[start:end] = [y], [z]
    return np.array(kept, dtype=bool)


def _by_passes(rows):
    kept, left = np.zeros(len(rows), dtype=bool), np.arange(len(rows))
    while len(left):
        kept[left[0]] = True
        left = left[(rows[left] < rows[left[0]]).any(axis=1)]
    return kept
