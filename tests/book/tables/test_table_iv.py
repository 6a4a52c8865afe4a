"""The survey's Table IV as transcribed, and the numbers of it that can be computed exactly."""

import pandas as pd
import pytest

import zsnas
from zsnas import counting, statistics
from zsnas.sources import DATA

TABLE = pd.read_csv(DATA / "published" / "li2024_table_iv.csv")
IMAGES = {"cifar100": (100, 32), "imagenet16-120": (120, 16)}  # classes and pixels a side
NAMES = ["nb201/cifar100", "nb201/imagenet16-120", "nats-sss/cifar100", "nats-sss/imagenet16-120"]


def test_every_row_names_its_source():
    assert TABLE["benchmark"].value_counts().to_dict() == dict.fromkeys(NAMES, 11)
    assert (
        TABLE["source"]
        .str.fullmatch(
            r"Li et al\. 2024 \(arXiv:2307\.01998\) Table IV row (NB201|NATS) (C100|Img16) column .+"
        )
        .all()
    )
    assert not TABLE.duplicated(["benchmark", "proxy"]).any()


@pytest.mark.mirror
@pytest.mark.parametrize("name", NAMES)
def test_counts_and_ground_truth_come_out_as_printed(name):
    bench = zsnas.benchmark(name)
    printed = TABLE[TABLE["benchmark"] == name].set_index("proxy")["test_accuracy"]
    counts = counting.counts(*IMAGES[bench.batch], bench.space).assign(seed=0)
    first = statistics.best_by_proxy(bench, counts).set_index("proxy")
    here = first["test_accuracy"].round(2)
    # The survey has 70.28 here, one test image of 5,000 less: see the page on the table.
    differs = {"params": 70.30, "flops": 70.30} if name == "nats-sss/cifar100" else {}
    assert here.to_dict() == printed[["params", "flops"]].to_dict() | differs
    assert round(bench.table["test_accuracy"].max(), 2) == printed["ground_truth"]
    assert (first["ties"] == 1).all()
