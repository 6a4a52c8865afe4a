"""The truths of analog hardware, and the claims about them."""

import pandas as pd

from zsnas.benchmarks import benchmark
from zsnas.book.studies import analog

TRUTHS = analog.truths(benchmark("nb201-analog/cifar10"))


def rows(**ends):
    """Write Kendall's τ of proxies as an interval each."""
    return pd.DataFrame(ends, index=["low", "high"]).T.assign(n=100)


def test_kept_is_analog_minus_digital():
    table = TRUTHS["kept, analog"].table
    assert (table["kept_analog"] == table["analog_accuracy"] - table["test_accuracy"]).all()
    assert TRUTHS["noisy"].metric == "noisy_accuracy"
    assert set(TRUTHS) == set(analog.TRUTHS)


def test_a_proxy_ranks_worse_when_the_intervals_do_not_touch():
    better = rows(snip=[0.5, 0.6], fisher=[0.5, 0.6])

    verdict = analog.falls("worse", "here", better, rows(fisher=[0.1, 0.4], snip=[0.45, 0.55]))

    assert verdict.outcome == "agrees in part"
    assert verdict.because.endswith("It is for Fisher.")
    assert analog.falls("worse", "here", better, rows(snip=[0.1, 0.4], fisher=[0, 0.4])).outcome == "agrees"


def test_above_zero_beyond_the_interval():
    verdict = analog.is_positive("keeps", "here", rows(snip=[0.1, 0.2], fisher=[-0.2, -0.1]))

    assert verdict.outcome == "agrees in part"
    assert verdict.because.endswith("It is for SNIP; it is below 0 for Fisher.")


def test_few_networks_decide_nothing():
    few = rows(snip=[0.1, 0.2]).assign(n=29)
    assert analog.is_positive("keeps", "here", few).outcome == "cannot be compared"
    assert analog.is_positive("keeps", "here", few[:0]).outcome == "cannot be compared"
    assert analog.falls("worse", "here", few, few).outcome == "cannot be compared"


def test_who_is_first_is_grouped_by_proxy():
    class Study:
        def kendall(self, name):
            first = {"digital": "snip", "noisy": "fisher", "analog": "snip"}[name]
            return pd.DataFrame({"value": [0.5], "n": [100 if name != "noisy" else 9]}, index=[first])

    assert analog.firsts(Study(), ["digital", "analog", "noisy"]) == "SNIP (digital 0.50, analog 0.50)"
    assert analog.firsts(Study(), ["noisy"]) == ""
