"""The board of a class is made of the files of `zsnas evaluate`, with #Params on the same networks."""

import json
import math

import pytest

from zsnas.cli import main
from zsnas.course import board


def row(proxy, kt_top, low, high, benchmark="nb201/cifar100"):
    numbers = {"kt": 0.5, "kt_top": kt_top, "kt_top_low": low, "kt_top_high": high}
    return {
        "benchmark": benchmark,
        "proxy": proxy,
        "label": proxy.upper(),
        "n": 120,
        "n_top": 60,
        "missing": 0,
    } | numbers


@pytest.fixture
def folder(tmp_path):
    def write(name, rows, beside):
        (tmp_path / f"{name}.json").write_text(json.dumps({"rows": rows, "beside": beside}))

    params = row("params", 0.1, 0.0, 0.2)
    write("ada", [row("mine", 0.15, 0.05, 0.25)], [params])
    write("emmy", [row("ours", 0.4, 0.3, 0.5)], [params])
    write("grace", [row("none", None, None, None)], [params])
    (tmp_path / "notes.json").write_text("[1]")
    return tmp_path


def test_proxies_are_ranked_by_the_top(folder):
    found = board(folder)
    assert found["who"].tolist() == ["emmy", "ada", "grace"]
    assert found["place"].tolist()[:2] == [1, 2]
    assert found["ahead"].tolist()[:2] == pytest.approx([0.3, 0.05])
    assert found["decided"].tolist() == [True, False, False]
    assert math.isnan(found["kt_top"].iloc[2])
    assert "notes.json" in found.attrs["unread"]


def test_an_empty_folder_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="there is nothing to rank in the folder"):
        board(tmp_path)


def test_the_command_prints_it_and_writes_a_page(folder, capsys):
    page = folder / "board.html"
    assert main(["course", str(folder), "--output", str(page)]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[2].split()[:3] == ["1", "emmy", "OURS"]
    assert "0.30 *" in lines[2]
    assert "notes.json is left out" in err
    text = page.read_text(encoding="utf-8")
    assert "notes.json is left out: it is not what" in text
    assert text.index("emmy") < text.index("ada") < text.index("grace")
