"""The survey's Table V as transcribed, and the numbers of it that can be computed exactly."""

import pandas as pd
import pytest

import zsnas
from zsnas import counting, statistics
from zsnas.book import verdicts
from zsnas.sources import DATA

TABLE = pd.read_csv(DATA / "published" / "li2024_table_v.csv")
NAMES = [f"transnas-micro/{task}" for task in ("segmentsemantic", "normal", "autoencoder")]


def test_every_row_names_its_source():
    assert TABLE["benchmark"].value_counts().to_dict() == dict.fromkeys(NAMES, 11)
    source = r"Li et al\. 2024 \(arXiv:2307\.01998\) Table V row .+ column .+"
    assert TABLE["source"].str.fullmatch(source).all()
    assert not TABLE.duplicated(["benchmark", "proxy"]).any()


@pytest.mark.mirror
@pytest.mark.parametrize("name", NAMES)
def test_counts_and_ground_truth_come_out_as_printed(name):
    bench = zsnas.benchmark(name)
    printed = TABLE[TABLE["benchmark"] == name].set_index("proxy")["value"]
    counts = counting.counts(10, 64, bench.space).assign(seed=0)
    first = statistics.best_by_proxy(bench, counts).set_index("proxy")

    assert first[bench.metric].round(2).to_dict() == printed[["params", "flops"]].to_dict()
    assert round(bench.table[bench.metric].max(), 2) == printed["ground_truth"]
    assert (first["ties"] == 1).all()
    assert set(first["arch"]) == {"64-41414-3_33_333"}


@pytest.mark.mirror
def test_one_network_is_behind_the_number_of_fisher_for_segmentation():
    """All cells with this number are the one whose output does not depend on the image."""
    bench = zsnas.benchmark(NAMES[0])
    [printed] = TABLE.loc[(TABLE["benchmark"] == bench.name) & (TABLE["proxy"] == "fisher"), "value"]
    named = verdicts.printed_as(bench, printed)
    assert set(map(zsnas.space(bench.space).canonical, named)) == {"64-41414-0_00_000"}
