import pyarrow.parquet as pq
import pytest
from command_line import run

from zsnas.training import cells


@pytest.fixture
def shares(capsys, tmp_path):
    """Train two cells as two shares; return what was said and the files."""
    files = [str(tmp_path / f"{part}.parquet") for part in (1, 2)]
    options = ["--limit", "2", "--seeds", "1", "--no-progress"]
    said = [
        run(capsys, "train-benchmark", "digits", *options, "--share", f"{part}/2", "--output", file)
        for part, file in enumerate(files, 1)
    ]
    return said, files


def test_shares_are_trained_and_merged(capsys, tmp_path, shares):
    said, files = shares
    assert said == [(0, f"1 trained networks are in {file}: 1 with seed 1\n", "") for file in files]
    whole = str(tmp_path / "all.parquet")
    status, output, _ = run(capsys, "train-benchmark", "digits", "--merge", *files, "--output", whole)
    assert (status, output) == (0, f"2 trained networks are in {whole}: 2 with seed 1\n")
    table = pq.read_table(whole)
    assert table["arch"].to_pylist() == list(cells()[:2])
    assert [len(correct) for correct in table["test_correct"].to_pylist()] == [10, 10]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["imagenet"], "'imagenet' is none of digits"),
        (["digits", "--share", "3/2"], "'3/2' is no share; write 2/5 for the second of five"),
        (["digits", "--output", "a.txt"], "zsnas: the output 'a.txt' does not end in .parquet"),
        (["digits", "--merge", "no.parquet"], "zsnas: there is no file no.parquet"),
    ],
)
def test_mistakes_are_told_in_a_sentence(capsys, options, said):
    status, output, errors = run(capsys, "train-benchmark", *options)
    assert (status, output) == (2, "")
    assert said in errors
