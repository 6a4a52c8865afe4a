import json
import random
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from zsnas.spaces import space
from zsnas.training import Recipe, cells, merge, share, train_share

SHORT = Recipe(epochs=1, batch_size=512)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Two networks a stack, and few images to look at."""
    monkeypatch.setattr(share, "STACK", 2)
    parts = share.examples()
    few = [type(part)(part.images[:20], part.labels[:20]) for part in parts]
    monkeypatch.setattr(share, "examples", lambda: few)


def trained(path, **how):
    how = {"limit": 3, "seeds": 0, "recipe": SHORT, "progress": False, **how}
    return train_share(path, **how).select(["arch", "seed", "train_correct", "test_correct"])


def keys(table):
    return list(zip(table["arch"].to_pylist(), table["seed"].to_pylist(), strict=True))


def test_cells_are_the_classes_of_nb201_in_random_order():
    nb201 = space("nb201")
    assert len(set(cells())) == len(cells()) == 6_466
    assert {nb201.canonical(arch) for arch in random.Random(0).sample(nb201.architectures, 40)} < set(cells())
    places = [nb201.index(arch) for arch in cells()[:1000]]
    assert abs(sum(places) / 1000 - 15_625 / 2) < 1000  # sorted, the mean would be a sixteenth of that


def test_every_cell_is_trained_with_the_first_seed_before_the_next(tmp_path):
    table = trained(tmp_path / "a.parquet", seeds=[1, 0])
    assert keys(table) == [(arch, seed) for seed in (1, 0) for arch in cells()[:3]]
    assert {len(correct) for correct in table["test_correct"].to_pylist()} == {1}


def test_a_stopped_training_goes_on_and_ends_as_if_it_had_not_stopped(tmp_path, monkeypatch):
    whole, stopped = tmp_path / "whole.parquet", tmp_path / "stopped.parquet"
    run, calls = share._trained, []

    def killed(keys, recipe):
        calls.append(len(keys))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return run(keys, recipe)

    monkeypatch.setattr(share, "_trained", killed)
    with pytest.raises(KeyboardInterrupt, match=r"2 trained networks are in .*stopped.parquet; the same"):
        trained(stopped)
    assert keys(pq.read_table(stopped)) == [(arch, 0) for arch in cells()[:2]]
    monkeypatch.setattr(share, "_trained", run)

    assert trained(stopped).equals(trained(whole))
    assert calls == [2, 1]


def test_what_is_there_is_not_trained_again(tmp_path, monkeypatch):
    path = tmp_path / "a.parquet"
    first = trained(path)
    monkeypatch.setattr(share, "_trained", None)
    assert trained(path).equals(first)


def test_shares_are_disjoint_and_joined_are_the_whole(tmp_path):
    parts = [tmp_path / f"{i}.parquet" for i in (1, 2)]
    found = [keys(trained(path, share=(i, 2))) for i, path in enumerate(parts, 1)]
    assert found == [[(cells()[0], 0), (cells()[2], 0)], [(cells()[1], 0)]]

    joined = merge([parts[1], parts[0], parts[1]], tmp_path / "all.parquet")

    assert keys(joined) == [(arch, 0) for arch in cells()[:3]]
    assert pq.read_table(tmp_path / "all.parquet").equals(joined)


def test_a_file_says_how_it_was_made(tmp_path):
    trained(tmp_path / "a.parquet", limit=1)
    about = pq.read_schema(tmp_path / "a.parquet").metadata
    assert json.loads(about[b"recipe"])["epochs"] == 1
    assert (about[b"train_images"], about[b"test_images"]) == (b"512", b"1000")
    assert {b"machine", b"torch", b"zsnas"} < set(about)


def test_another_recipe_is_refused(tmp_path):
    trained(tmp_path / "a.parquet", limit=1)
    with pytest.raises(ValueError, match=r"a.parquet was trained by different recipes, .*name another file"):
        trained(tmp_path / "a.parquet", recipe=Recipe(epochs=2))


def test_what_is_no_file_of_trained_networks_is_refused(tmp_path):
    text, other = tmp_path / "text.parquet", tmp_path / "other.parquet"
    text.write_text("no Parquet")
    pq.write_table(pa.table({"arch": ["a"]}), other)
    with pytest.raises(ValueError, match=r"text.parquet is no file of trained networks \(.*name another"):
        trained(text)
    with pytest.raises(
        ValueError, match=r"other.parquet has the columns arch; a file of trained networks has"
    ):
        merge([other], tmp_path / "all.parquet")
    with pytest.raises(ValueError, match=re.escape(f"there is no file {tmp_path / 'no.parquet'}")):
        merge([tmp_path / "no.parquet"], tmp_path / "all.parquet")


@pytest.mark.parametrize(
    ("path", "how", "said"),
    [
        ("a.csv", {}, "does not end in .parquet"),
        ("a.parquet", {"share": (3, 2)}, "the share is 3/2; give one such as 1/2"),
        ("a.parquet", {"limit": 0}, "the limit is 0; it must be a whole number, at least 1"),
        ("a.parquet", {"seeds": -1}, "the seed is -1"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_trained(tmp_path, path, how, said):
    with pytest.raises(ValueError, match=said):
        trained(tmp_path / path, **how)
    assert not list(tmp_path.iterdir())
