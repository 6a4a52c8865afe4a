"""Kendall and Spearman: checked by hand, against scipy, and against loops over pairs."""

import math
from itertools import combinations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from zsnas.statistics import kendall, spearman


def naive_kendall(x, y, weights):
    agreement = untied_x = untied_y = 0.0
    for i, j in combinations(range(len(x)), 2):
        weight = weights[i] * weights[j]
        agreement += weight * np.sign(x[i] - x[j]) * np.sign(y[i] - y[j])
        untied_x += weight * (x[i] != x[j])
        untied_y += weight * (y[i] != y[j])
    return agreement / math.sqrt(untied_x * untied_y)


def naive_spearman(x, y, weights):
    def ranks(values):
        return [
            sum(w for v, w in zip(values, weights, strict=True) if v < value)
            + sum(w for v, w in zip(values, weights, strict=True) if v == value) / 2
            for value in values
        ]

    covariance = np.cov(ranks(x), ranks(y), aweights=weights)
    return covariance[0, 1] / math.sqrt(covariance[0, 0] * covariance[1, 1])


def test_kendall_by_hand():
    # Pairs of (1,1) (2,3) (3,2) (3,4): five concordant or discordant; the last two tie in x.
    # concordant: 01 02 03 13, discordant: 12, tied in x: 23. (4 - 1) / sqrt(5 * 6)
    assert kendall([1, 2, 3, 3], [1, 3, 2, 4]) == pytest.approx(3 / math.sqrt(30))


def test_spearman_by_hand():
    # Ranks of x: 1, 2, 3.5, 3.5; of y: 1, 3, 2, 4; deviations (-1.5, -.5, 1, 1) and (-1.5, .5, -.5, 1.5).
    # covariance 2.25 - 0.25 - 0.5 + 1.5 = 3; spreads 4.5 and 5
    assert spearman([1, 2, 3, 3], [1, 3, 2, 4]) == pytest.approx(3 / math.sqrt(4.5 * 5))


@pytest.mark.parametrize("levels", [2, 5, 40, 10_000])
@pytest.mark.parametrize("n", [2, 3, 17, 300])
def test_unweighted_equals_scipy(n, levels):
    rng = np.random.default_rng(levels + n)
    x, y = rng.integers(levels, size=n).astype(float), rng.normal(size=n).round(1)
    x[:2], y[:2] = (0, 1), (0, 1)
    assert kendall(x, y) == pytest.approx(scipy.stats.kendalltau(x, y).statistic, abs=1e-12)
    assert spearman(x, y) == pytest.approx(scipy.stats.spearmanr(x, y).statistic, abs=1e-12)


@pytest.mark.parametrize("levels", [2, 5, 40])
def test_weighted_equals_loop_over_pairs(levels):
    rng = np.random.default_rng(levels)
    x, y = rng.integers(levels, size=40), rng.integers(7, size=40)
    weights = rng.uniform(0, 20, size=40)
    assert kendall(x, y, weights) == pytest.approx(naive_kendall(x, y, weights), abs=1e-12)
    assert spearman(x, y, weights) == pytest.approx(naive_spearman(x, y, weights), abs=1e-12)


pairs = st.lists(
    st.tuples(st.integers(-4, 4), st.integers(-4, 4), st.integers(0, 3)), min_size=2, max_size=25
)


@settings(deadline=None, derandomize=True)
@given(pairs)
def test_integer_weights_are_repeated_rows(rows):
    x, y, weights = np.array(rows).T
    repeated = np.repeat(x, weights), np.repeat(y, weights)
    for statistic in (kendall, spearman):
        assert statistic(x, y, weights) == pytest.approx(statistic(*repeated), nan_ok=True, abs=1e-12)


@settings(deadline=None, derandomize=True)
@given(pairs)
def test_only_order_matters_and_reversal_negates(rows):
    x, y, weights = np.array(rows).T
    for statistic in (kendall, spearman):
        value = statistic(x, y, weights)
        assert statistic(np.exp(x), y**3, weights) == pytest.approx(value, nan_ok=True, abs=1e-12)
        assert statistic(-x, y, weights) == pytest.approx(-value, nan_ok=True, abs=1e-12)
        assert statistic(y, x, weights) == pytest.approx(value, nan_ok=True, abs=1e-12)
        assert not abs(value) > 1


@pytest.mark.parametrize("statistic", [kendall, spearman])
def test_undefined_statistics_are_nan(statistic):
    assert math.isnan(statistic([1, 1, 1], [1, 2, 3]))
    assert math.isnan(statistic([1, 2, 3], [1, 2, 3], [0.1, 0, 0]))
    assert math.isnan(statistic([1], [1]))
    assert math.isnan(statistic([], []))


@pytest.mark.parametrize("statistic", [kendall, spearman])
def test_infinite_scores_are_ranked(statistic):
    assert statistic([-math.inf, 0, math.inf, math.inf], [1, 2, 3, 3]) == pytest.approx(1)


@pytest.mark.parametrize("statistic", [kendall, spearman])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, 2], [1, 2, 3]), "one length"),
        (([1, 2], [1, 2], [1]), "one length"),
        (([[1, 2]], [[1, 2]]), "one length"),
        (([1, math.nan], [1, 2]), "NaN is undefined"),
        (([1, 2], [math.nan, 2]), "NaN is undefined"),
        (([1, 2], [1, 2], [1, -1]), "smallest weight is -1"),
    ],
)
def test_bad_input_is_explained(statistic, arguments, message):
    with pytest.raises(ValueError, match=message):
        statistic(*arguments)
