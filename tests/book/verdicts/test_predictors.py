import pandas as pd
import pytest

from zsnas.book.studies import processor
from zsnas.book.verdicts.predictors import kernels_beat_layers


def rows(kernels, gcn, seeds=2):
    """Errors that each seed moves by 0.1 ms."""
    errors = {("kernels", 0): kernels, ("help", 10): 0.9}
    errors |= {("gcn", size): gcn for size in processor.SIZES}
    return pd.DataFrame(
        {"method": method, "samples": size, "seed": seed, "latency": "measured", "rmse_ms": ms + 0.1 * seed}
        for (method, size), ms in errors.items()
        for seed in range(seeds)
    )


@pytest.mark.parametrize(
    ("kernels", "gcn", "outcome", "count"),
    [
        (0.2, 0.5, "agrees", 4),
        (0.5, 0.2, "agrees in part", 1),
        (0.2, 0.25, "agrees in part", 1),
        (2, 1, "differs", 0),
    ],
)
def test_an_error_is_smaller_where_it_is_so_whatever_the_seed(kernels, gcn, outcome, count):
    verdict = kernels_beat_layers("S.", "P", rows(kernels, gcn))
    assert verdict.outcome == outcome
    assert f"That holds for {count} of 4 comparisons" in verdict.because


def test_one_seed_decides_nothing():
    assert kernels_beat_layers("S.", "P", rows(0.2, 0.5, seeds=1)).outcome == "cannot be compared"


def test_a_method_that_is_missing_leaves_nothing_to_compare():
    table = rows(0.2, 0.5)
    assert kernels_beat_layers("S.", "P", table[table["method"] != "help"]).outcome == "cannot be compared"
