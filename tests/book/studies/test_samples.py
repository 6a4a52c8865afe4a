"""A sample of a space is set beside the whole."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from zsnas import benchmark, space, statistics
from zsnas.benchmarks import Benchmark
from zsnas.book.comparison import Comparison, Pool
from zsnas.book.studies import samples
from zsnas.counting import counts

ACCURACY = np.arange(300.0)
SCORE = (np.arange(300) * 7) % 300


@pytest.fixture(autouse=True)
def _small_samples(monkeypatch):
    monkeypatch.setattr(samples, "SAMPLED", 50)


def _bench():
    table = pd.DataFrame({"arch": space("nb201").architectures[:300], "test_accuracy": ACCURACY})
    return Benchmark("toy", table, space="nb201", batch="cifar10", licence="none", citation="none")


def _scores(proxy="up"):
    return pd.DataFrame({"arch": space("nb201").architectures[:300], "seed": 0, proxy: SCORE.astype(float)})


def test_a_space_is_whole_when_each_architecture_has_a_score():
    bench, scores = _bench(), _scores()

    assert samples.is_whole(bench, scores)
    assert not samples.is_whole(bench, scores[1:])


def test_a_sample_has_the_complete_top_and_random_others():
    bench, scores = _bench(), _scores()

    drawn = set(samples.sample(bench, scores)["arch"])

    top = set(statistics.top_architectures(bench, statistics.SAMPLED_TOP))
    assert top < drawn
    assert 50 <= len(drawn) <= 50 + len(top)
    assert drawn != set(samples.sample(bench, scores, seed=1)["arch"])


def test_the_exact_value_is_that_of_all_architectures():
    bench, scores = _bench(), _scores("snip")

    beside = samples.beside_the_whole(bench, scores, ["snip"], resamples=50).set_index("statistic")

    whole = statistics.correlations(bench, scores, proxies=["snip"], resamples=0)
    whole = whole[whole["subset"] == "all"].set_index("statistic")["value"]
    assert beside["exact"].to_dict() == whole.to_dict()
    assert (beside["value"] != beside["exact"]).all()
    assert (beside["low"] <= beside["value"]).all()
    assert (beside["value"] <= beside["high"]).all()


def test_other_samples_scatter_around_the_exact_value():
    bench, scores = _bench(), _scores("snip")

    found = samples.further(bench, scores, ["snip"], draws=8)

    exact = statistics.correlations(bench, scores, proxies=["snip"], resamples=0)["value"].iloc[0]
    assert found.shape == (8, 1)
    assert found["snip"].nunique() > 1
    assert abs(found["snip"].mean() - exact) < 3 * found["snip"].std()


def test_counts_are_compared_where_the_scores_are_a_sample():
    bench = benchmark("nb201-analog/cifar10")
    every = counts(10, 32, bench.space).merge(bench.table, on="arch")
    scores = every[::40].assign(seed=0)

    beside = samples.beside_the_whole(bench, scores, ["params"], resamples=0).set_index("statistic")

    exact = stats.kendalltau(every["params"], every[bench.metric]).statistic
    assert beside.loc["KT", "exact"] == pytest.approx(exact)
    assert beside.loc["KT", "value"] != pytest.approx(exact)


def _study(scores):
    return Comparison({"Toy": Pool(_bench(), scores.assign(batch_size=64))}, ("snip",), 0.05, 0.05, 20)


def test_a_page_says_for_each_pool_whether_the_exact_value_is_inside():
    both = samples.beside(_study(_scores("snip")))

    cells = samples.written(both.assign(exact=[both["low"].iloc[0] - 1, both["low"].iloc[1]]))

    assert list(cells.index) == ["SNIP, Toy"] * 2
    assert cells["statistic"].tolist() == ["KT", "SPR"]
    assert cells["in the interval"].tolist() == ["no", "yes"]


def test_other_samples_are_drawn_only_where_all_are_scored():
    scores = _scores("snip")
    study = _study(scores)
    both = samples.beside(study)

    cells = samples.over_draws(study, both, 3)

    drawn = samples.further(_bench(), scores, ["snip"], 3)["snip"]
    assert cells.loc["SNIP, Toy", "mean of 3"] == pytest.approx(drawn.mean())
    assert cells.loc["SNIP, Toy", "deviation"] == pytest.approx(drawn.std())
    assert samples.over_draws(_study(scores[1:]), both, 3).empty
