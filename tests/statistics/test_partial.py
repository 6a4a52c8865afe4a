import numpy as np
import pytest
from scipy.stats import spearmanr

from zsnas.statistics import partial_spearman, spearman


def three(seed=0, size=200):
    generator = np.random.default_rng(seed)
    shared = generator.standard_normal(size)
    return shared, *(shared + generator.standard_normal(size) for _ in range(2))


def test_without_controls_it_is_spearmans_rho():
    _, x, y = three()
    assert partial_spearman(x, y, []) == pytest.approx(spearman(x, y))


# The formula for one control, from three ordinary correlations.
def test_one_control_follows_the_formula():
    c, x, y = three()
    xy, xc, yc = (spearmanr(*pair).statistic for pair in ((x, y), (x, c), (y, c)))
    expected = (xy - xc * yc) / np.sqrt((1 - xc**2) * (1 - yc**2))
    assert partial_spearman(x, y, [c]) == pytest.approx(expected)


def test_what_the_control_explains_is_gone():
    c, x, y = three(size=5000)
    assert partial_spearman(x, y, [c]) == pytest.approx(0, abs=0.04)
    assert spearman(x, y) > 0.4
    assert np.isnan(partial_spearman(x, y, [2 * x + 1]))


def test_a_second_control_explains_more():
    generator = np.random.default_rng(0)
    a, b, noise = generator.standard_normal((3, 5000))
    x, y = a + b, a + b + noise
    assert abs(partial_spearman(x, y, [a])) > 0.5
    assert np.isnan(partial_spearman(x, y, [a, b, x]))


@pytest.mark.parametrize(
    ("y", "why"), [([1.0, 2.0], "the shapes"), ([1.0, 2.0, np.nan], "is not finite; leave these rows out")]
)
def test_bad_numbers_are_refused(y, why):
    with pytest.raises(ValueError, match=why):
        partial_spearman([1.0, 2.0, 3.0], y, [])
