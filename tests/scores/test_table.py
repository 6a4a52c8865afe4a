import json
import math
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import tiny_benchmark
from tiny_benchmark import ARCHITECTURES, UNDEFINED, measurements

import zsnas.scores.sweep
from zsnas.proxies import Measurement
from zsnas.scores import sweep as sweep_module
from zsnas.scores import table as table_module
from zsnas.scores.store import ScoreStore, StoreError
from zsnas.scores.table import publish, published_path, scores, undefined
from zsnas.spaces import NetworkUnavailable


@pytest.fixture(autouse=True)
def tiny(monkeypatch, tmp_path):
    monkeypatch.setenv("TINY_LOG", str(tmp_path / "measured.log"))
    monkeypatch.setenv("TINY_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    tiny_benchmark.install(monkeypatch.setattr)


def sweep(store="tiny.sqlite", **settings):
    return sweep_module.sweep("tiny", store=store, progress=False, **settings)


def test_published_scores_read_back_in_index_order_one_column_per_proxy():
    publish(sweep(seeds=(1, 0)), "tiny")
    table = scores("tiny")
    assert list(table) == ["arch", "seed", "batch_size", "seconds", "count", "slope", "volume", "reasons"]
    assert list(zip(table["seed"], table["arch"], strict=True)) == [
        (seed, arch) for seed in (0, 1) for arch in ARCHITECTURES
    ]
    np.testing.assert_array_equal(
        table["count"], [tiny_benchmark.value(a, s, "count") for s in (0, 1) for a in ARCHITECTURES]
    )


def test_file_lies_in_the_data_folder_under_the_name_of_the_benchmark(tmp_path):
    assert publish(sweep(), "tiny") == published_path("tiny") == tmp_path / "data/scores/tiny.parquet"


def test_seconds_are_the_sum_over_the_proxies_of_a_row_also_when_it_shares_a_network():
    publish(sweep(), "tiny")
    assert set(scores("tiny")["seconds"]) == {0.75}


def test_reasons_are_json_or_null():
    publish(sweep(), "tiny")
    table = scores("tiny").set_index("arch")
    assert json.loads(table.loc["arch05", "reasons"]) == {"volume": UNDEFINED}
    assert math.isnan(table.loc["arch05", "volume"])
    assert table["reasons"].drop(["arch04", "arch05"]).isna().all()


def test_what_could_not_be_measured_is_null_with_its_reason_and_not_undefined(monkeypatch):
    def refuse(_space, _arch, _batch, _seed):
        raise NetworkUnavailable("no such model")

    monkeypatch.setattr(tiny_benchmark.TinySpace, "build_for", refuse)
    path = publish(sweep(proxies=["slope"]), "tiny")
    (why,) = set(scores("tiny")["reasons"])

    assert pq.read_table(path)["slope"].null_count == len(ARCHITECTURES)
    assert json.loads(why) == {"slope": "not measured: no such model"}
    assert undefined(why) == {}
    assert undefined(json.dumps({"slope": UNDEFINED})) == {"slope": UNDEFINED}


def test_a_note_is_kept_beside_its_number_and_starts_the_next_store(monkeypatch):
    note = "note: the count leaves out what is not known to it: aten::_fft_r2c"
    measured = {"count": Measurement(5.0, note, 0.25)}
    monkeypatch.setattr(sweep_module, "measure", lambda *_: measured)
    publish(sweep(proxies=["count"]), "tiny")
    table = scores("tiny")
    assert set(table["count"]) == {5.0}
    assert set(table["reasons"]) == {json.dumps({"count": note})}

    with ScoreStore(sweep(store="next.sqlite", proxies=["count"])) as store:
        kept = {(score.value, score.reason) for found in store.scores().values() for score in found}
    assert kept == {(5.0, note)}


def test_scores_are_of_one_batch_size_the_commonest_unless_told_otherwise():
    sweep(seeds=(0, 1), proxies=["count"])
    publish(sweep(batch_size=16, proxies=["volume"]), "tiny")
    commonest, other = scores("tiny"), scores("tiny", batch_size=16)
    assert set(commonest["batch_size"]) == {64}
    assert set(other["batch_size"]) == {16}
    assert "volume" not in commonest
    assert "count" not in other
    assert commonest.attrs == other.attrs
    with pytest.raises(ValueError, match="no published scores for a batch of 8; there are some for 16, 64"):
        scores("tiny", batch_size=8)


def test_a_proxy_that_is_undefined_for_every_row_keeps_its_column(monkeypatch):
    monkeypatch.setattr(tiny_benchmark, "value", lambda *_: math.nan)
    publish(sweep(proxies=["volume"]), "tiny")
    assert scores("tiny")["volume"].isna().all()


def test_metadata_says_what_the_scores_were_made_with():
    publish(sweep(), "tiny")
    attrs = scores("tiny").attrs
    assert attrs["benchmark"] == "tiny"
    assert attrs["batch_source"] == "tiny images"
    assert attrs["zsnas"] == zsnas.__version__
    assert attrs["torch"] == sweep_module.torch.__version__
    assert "cores, torch threads: " in attrs["machine"]


def test_versions_accumulate(monkeypatch):
    sweep(limit=2)
    monkeypatch.setattr(sweep_module, "__version__", "99.0")
    publish(sweep(), "tiny")
    assert scores("tiny").attrs["zsnas"] == f"{zsnas.__version__}; 99.0"


def test_same_store_gives_the_same_bytes():
    store = sweep(seeds=(0, 1))
    first = publish(store, "tiny").read_bytes()
    assert publish(store, "tiny").read_bytes() == first


def test_order_of_computation_does_not_show_in_the_bytes():
    forward, backward = sweep("a.sqlite", seeds=(0, 1)), sweep("b.sqlite", seeds=(1, 0))
    assert publish(forward, "tiny", "a").read_bytes() == publish(backward, "tiny", "b").read_bytes()


def test_partial_store_tells_not_measured_from_undefined():
    sweep(proxies=["volume"])
    path = publish(sweep(limit=3), "tiny")
    table = pq.read_table(path)
    assert table["slope"].null_count == 9
    assert table["volume"].null_count == 0


def test_sweep_into_a_new_store_starts_from_the_published_file_and_loses_nothing():
    before = publish(sweep(seeds=(0, 1), limit=7), "tiny").read_bytes()
    counted = measurements()
    seeded = sweep("new.sqlite", seeds=(0, 1), limit=7)
    assert measurements() == counted
    assert publish(seeded, "tiny").read_bytes() == before


def test_sweep_started_from_a_published_file_computes_only_the_rest():
    publish(sweep(limit=7, proxies=["slope", "volume"]), "tiny")
    old = scores("tiny").set_index("arch")
    publish(sweep("new.sqlite"), "tiny")
    assert set(measurements().values()) == {1}
    new = scores("tiny").set_index("arch")
    assert len(new) == 12
    np.testing.assert_array_equal(new.loc[old.index, ["slope", "volume"]], old[["slope", "volume"]])


def test_published_scores_of_other_images_do_not_start_a_store(monkeypatch):
    publish(sweep(limit=7), "tiny")
    monkeypatch.setenv("TINY_SOURCE", "photographs")
    with ScoreStore(sweep("new.sqlite", limit=1)) as store:
        assert len(store.scores()) == 1


def test_file_of_other_images_is_not_overwritten(monkeypatch):
    kept = publish(sweep(limit=7), "tiny").read_bytes()
    monkeypatch.setenv("TINY_SOURCE", "photographs")
    with pytest.raises(StoreError, match=r"'tiny images' and the store on 'photographs'"):
        publish(sweep("new.sqlite", limit=7), "tiny")
    assert published_path("tiny").read_bytes() == kept


@pytest.mark.parametrize(("first", "second"), [(None, "cuda"), ("cuda", None)])
def test_scores_of_another_device_neither_start_a_store_nor_overwrite_a_file(monkeypatch, first, second):
    monkeypatch.setattr(sweep_module, "check_placement", lambda *_: None)
    kept = publish(sweep("first.sqlite", limit=7, device=first), "tiny").read_bytes()
    assert scores("tiny").attrs.get("device") == first
    with ScoreStore(sweep("second.sqlite", limit=1, device=second)) as store:
        assert len(store.scores()) == 1
    with pytest.raises(StoreError, match=rf"on '{first or 'cpu'}' and the store on '{second or 'cpu'}'"):
        publish("second.sqlite", "tiny")
    assert publish(sweep("again.sqlite", limit=1, device=first), "tiny").read_bytes() == kept


@pytest.mark.parametrize("smaller", [{"limit": 4}, {"proxies": ["count", "slope"]}])
def test_file_with_more_scores_than_the_store_is_not_overwritten(smaller):
    store = sweep("small.sqlite", **smaller)
    publish(sweep("large.sqlite"), "tiny")
    with pytest.raises(StoreError, match=r"scores that the store lacks"):
        publish(store, "tiny")
    assert len(scores("tiny")) == 12


def test_scores_of_a_proxy_from_outside_stay_in_the_store(monkeypatch, tmp_path):
    store = sweep()
    whole = publish(store, "tiny", tmp_path / "own.parquet")
    monkeypatch.setattr(table_module, "list_proxies", lambda: ["count", "slope"])
    with pytest.warns(UserWarning, match="the scores of volume, not of this package, stay in tiny.sqlite"):
        publish(store, "tiny")
    assert "volume" in pq.read_table(whole).column_names
    assert scores("tiny").filter(["count", "slope", "volume"]).columns.tolist() == ["count", "slope"]
    # A quarter of a second a proxy.
    assert set(scores("tiny")["seconds"]) == {0.5}
    assert scores("tiny")["reasons"].isna().all()


def test_store_of_another_benchmark_is_not_published():
    with pytest.raises(StoreError, match=r"scores of 'tiny', not of 'other'"):
        publish(sweep(), "other")


def test_missing_store_is_named():
    with pytest.raises(FileNotFoundError, match=r"no score store at nowhere\.sqlite; `zsnas sweep`"):
        publish("nowhere.sqlite", "tiny")
    assert not Path("nowhere.sqlite").exists()


def test_benchmark_without_scores_names_the_command_that_computes_them():
    with pytest.raises(FileNotFoundError, match=r"'tiny' has no published scores.*`zsnas sweep tiny`"):
        scores("tiny")


def test_interrupted_publication_leaves_the_old_file_and_nothing_else(monkeypatch):
    kept = publish(sweep(limit=2), "tiny").read_bytes()
    store = sweep()

    def write_table(*_):
        raise OSError("disk full")

    monkeypatch.setattr(pq.ParquetWriter, "write_table", write_table)
    with pytest.raises(OSError, match="disk full"):
        publish(store, "tiny")
    assert [path.name for path in published_path("tiny").parent.iterdir()] == ["tiny.parquet"]
    assert published_path("tiny").read_bytes() == kept
