import hashlib

import pandas as pd
import pytest

from zsnas.scores import dataset, scores
from zsnas.sources import DATA


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    target = tmp_path_factory.mktemp("dataset")
    dataset.write(target)
    return target


def test_every_table_is_there_as_csv(folder):
    tables = {
        file.relative_to(DATA / "scores").with_suffix(".csv") for file in DATA.glob("scores/**/*.parquet")
    }
    assert {file.relative_to(folder) for file in folder.rglob("*.csv")} == tables
    assert sum(file.stat().st_size for file in folder.rglob("*")) < 25_000_000


def test_numbers_are_those_of_the_table(folder):
    written = pd.read_csv(folder / "resnets" / "imagenet.csv")
    published = scores("resnets/imagenet")
    assert written["arch"].tolist() == published["arch"].tolist()
    assert written["snip"].tolist() == pytest.approx(published["snip"].tolist(), nan_ok=True)


def test_undefined_is_not_missing(folder):
    text = pd.read_csv(folder / "nb201" / "cifar100.csv", dtype=str, keep_default_na=False)
    undefined = text["undefined"].str.split().map(lambda names: "jacob_cov" in names)
    assert undefined.any()
    assert set(text.loc[undefined, "jacob_cov"]) == {"nan"}
    assert "nan" not in set(text.loc[~undefined, "jacob_cov"])
    assert "" in set(text["swap"])  # not computed for every batch size


def test_checksums_are_right(folder):
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    assert len(lines) == len([file for file in folder.rglob("*") if file.is_file()]) - 1
    for line in lines:
        digest, _, name = line.partition("  ")
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest


def test_scores_need_no_truth(monkeypatch, tmp_path):
    monkeypatch.setenv("ZSNAS_DATA_MIRROR", "")
    monkeypatch.setenv("ZSNAS_CACHE", str(tmp_path))
    assert len(scores("nb201/cifar100"))
    with pytest.raises(
        ValueError, match="unknown benchmark 'nb201/cifar1000'; did you mean 'nb201/cifar100'"
    ):
        scores("nb201/cifar1000")
