import numpy as np
import pytest
import torch
from small_networks import noise, small
from toy_scores import make_bench, make_scores

import zsnas
from zsnas import statistics
from zsnas._numbers import as_seed, as_seeds
from zsnas.book.studies.plane import PlaneNetwork, points
from zsnas.models import model
from zsnas.scores.sweep import visited
from zsnas.search.pruning import supernet

NO_SEEDS = [None, 1.5, 1.0, "a", "1", True, np.True_, -1, np.int64(-1), 2**63, [0], (0, 1), torch.ones(2)]


@pytest.mark.parametrize("seed", [3, np.int64(3), np.uint8(3), np.array(3), torch.tensor(3)])
def test_an_integer_of_any_library_is_a_seed(seed):
    assert as_seed(seed) == 3
    assert type(as_seed(seed)) is int
    assert as_seeds(seed) == as_seeds([seed]) == as_seeds(iter((seed,))) == (3,)


def test_the_largest_seed():
    assert as_seed(2**63 - 1) == 2**63 - 1


@pytest.mark.parametrize("seed", NO_SEEDS)
def test_anything_else_is_none(seed):
    with pytest.raises(ValueError, match=r"^the seed is .*; it must be a whole number, .* 0$"):
        as_seed(seed)


@pytest.mark.parametrize("seeds", [None, "0", "01", [0, None], 1.5])
def test_one_that_is_no_seed_among_several(seeds):
    with pytest.raises(ValueError, match="the seed is"):
        as_seeds(seeds)


CELL = "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|none~1|avg_pool_3x3~2|"
KEPT = (("skip_connect", "nor_conv_1x1"),) * 6


def _first_weight(network):
    return next(network.parameters()).flatten()[:3].tolist()


BENCH = make_bench(np.arange(40))
SCORES = make_scores(np.arange(40) % 7, proxy="params").assign(snip=np.arange(40) % 9)


def _low(table):
    return table["low"].tolist()


TAKERS = {
    "correlations": lambda seed: _low(statistics.correlations(BENCH, SCORES, resamples=9, seed=seed)),
    "ratios": lambda seed: _low(statistics.ratio_correlations(BENCH, SCORES, resamples=9, seed=seed)),
    "differences": lambda seed: _low(statistics.differences(BENCH, SCORES, resamples=9, seed=seed)),
    "paired": lambda seed: statistics.paired(BENCH, SCORES, "snip", "params", 0.5, 9, seed)[
        "difference_low"
    ].tolist(),
    "agreement": lambda seed: _low(
        statistics.agreement(SCORES, SCORES.assign(snip=SCORES["params"]), resamples=9, seed=seed)
    ),
    "visited": lambda seed: visited(zsnas.benchmark("nb201/cifar10"), 9, seed=seed),
    "plane": lambda seed: _first_weight(PlaneNetwork(seed)),
    "points": lambda seed: points(2, seed).images.flatten().tolist(),
    "score": lambda seed: zsnas.score(small(), noise(), ["zen_score"], seed),
    "measure": lambda seed: {n: m.value for n, m in zsnas.measure(small(), noise(), ["meco"], seed).items()},
    "model": lambda seed: _first_weight(model("timm:test_vit", 3, seed)),
    "batch": lambda seed: zsnas.batch("cifar10", 4, seed).images.sum().item(),
    "supernet": lambda seed: _first_weight(supernet(KEPT, 3, seed)),
    **{
        name: lambda seed, name=name, arch=arch: _first_weight(zsnas.space(name).build(arch, 3, seed))
        for name, arch in {
            "nb201": CELL,
            "nats-sss": "8:8:8:8:8",
            "transnas-micro": "64-41414-1_10_100",
            "timm": zsnas.space("timm").architectures[0],
            "resnets": zsnas.space("resnets").architectures[0],
        }.items()
    },
}


@pytest.mark.filterwarnings("ignore:in place of")
@pytest.mark.parametrize("take", TAKERS.values(), ids=TAKERS)
def test_whoever_draws_takes_numpys_integers_and_refuses_what_is_no_seed(take):
    assert take(np.int64(3)) == take(3) != take(4)
    for wrong in (None, 1.5, "a", -1, True):
        with pytest.raises(ValueError, match="the seed is"):
            take(wrong)
