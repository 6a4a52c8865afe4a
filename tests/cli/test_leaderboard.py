import io
import json

import pandas as pd
import pytest
from command_line import run


def test_csv_has_every_column_and_json_the_same(capsys):
    options = (
        "leaderboard",
        "--benchmarks",
        "mobilenet-v2",
        "--proxies",
        "params,flops",
        "--resamples",
        "20",
        "--no-progress",
    )
    status, text, _ = run(capsys, *options, "--format", "csv")
    table = pd.read_csv(io.StringIO(text))
    records = json.loads(run(capsys, *options, "--format", "json")[1])
    assert status == 0
    assert table["proxy"].tolist() == [row["proxy"] for row in records] == ["flops", "params"]
    assert table["kt"].tolist() == pytest.approx([row["kt"] for row in records])
    assert {"kt_low", "regret_high", "cost", "rank_to", "seeds", "missing"} <= set(table.columns)


def test_markdown_is_a_table_a_benchmark(capsys):
    options = (
        "--benchmarks",
        "mobilenet-v2",
        "--proxies",
        "params,flops",
        "--resamples",
        "20",
        "--no-progress",
    )
    lines = run(capsys, "leaderboard", *options)[1].splitlines()
    assert lines[0] == "## mobilenet-v2/imagenet"
    assert [cell.strip() for cell in lines[2].split("|")][1:4] == ["proxy", "rank", "KT all"]
    assert lines[4].startswith("| #FLOPs (`flops`) | 1 of 2 | 0.95 [")


def test_what_is_absent_is_named_on_the_standard_error(capsys):
    status, text, errors = run(capsys, "leaderboard", "--benchmarks", "nb201-analog", "--no-progress")
    assert (status, text) == (2, "")
    assert errors.endswith(
        "zsnas: nothing is left to rank; `zsnas benchmarks --details` says which benchmarks are here\n"
    )
    assert (
        "nb201-analog/cifar10 is left out: it is not here (zsnas sweep nb201-analog/cifar10 --publish)"
        in errors
    )


def test_a_wrong_number_of_resamples_is_told(capsys):
    status, text, errors = run(capsys, "leaderboard", "--resamples", "-1")
    assert (status, text) == (2, "")
    assert "argument --resamples: '-1' is no whole number from 0; " in errors
