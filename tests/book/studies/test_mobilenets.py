import pandas as pd
import pytest

from zsnas.benchmarks import Benchmark
from zsnas.book.studies.mobilenets import apart, below_the_ceiling, sides, widths

GRID = [(width, side) for width in (0.5, 1) for side in (96, 192)]
ARCHS = [f"mobilenetv2-d1-x{width}-r{side}" for width, side in GRID]
ALONE = "mobilenetv2-d1-x1.4-r192"  # a width without all resolutions
TABLE = pd.DataFrame({"arch": [*ARCHS, ALONE], "validation_accuracy": [50.0, 60.0, 62.0, 70.0, 74.0]})
BENCH = Benchmark("tiny", TABLE, "mobilenet-v2", "imagenet1k", "", "", metric="validation_accuracy")
SCORES = pd.DataFrame(
    {
        "arch": [*ARCHS, ALONE],
        "params": [*(width**2 for width, _ in GRID), 1000.0],
        "snip": [*(width / side for width, side in GRID), 1000.0],
        # The distance from minus 16 images is 100 / pixels of the image.
        "jacob_cov": [*(-16 - 100 / side**2 for _, side in GRID), -20.0],
    }
)


def test_names_and_multipliers():
    assert list(sides(BENCH).values())[:2] == ["96 pixels", "192 pixels"]
    assert list(widths(BENCH).values()) == [0.5, 0.5, 1, 1, 1.4]


def test_pairs_of_one_width_and_of_one_resolution():
    found = apart(BENCH, SCORES, ["params", "snip"])
    # At 96 pixels one pair of widths, at 192 three; two widths have a pair of resolutions.
    assert found["one resolution: pairs in order"].tolist() == ["4 of 4", "4 of 4"]
    assert found["one width: pairs in order"].tolist() == ["0 of 2 (2 tied)", "0 of 2"]


def test_doubling_is_fitted_over_widths_with_all_resolutions():
    found = apart(BENCH, SCORES, ["params", "snip"])
    assert found["twice the width: ×"].tolist() == ["4.00", "2.00"]
    assert found["twice the resolution: ×"].tolist() == ["1.00", "0.50"]


def test_four_times_the_pixels_are_a_quarter_of_the_distance():
    assert below_the_ceiling(BENCH, SCORES, 16) == pytest.approx(0.25)
    assert pd.isna(below_the_ceiling(BENCH, SCORES.drop(columns="jacob_cov"), 16))


def test_one_network_has_no_factors():
    assert (apart(BENCH, SCORES.head(1), ["params"])["twice the width: ×"] == "–").all()
