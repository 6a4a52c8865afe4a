import math
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
import tiny_benchmark
import torch
from small_networks import small
from tiny_benchmark import ARCHITECTURES, measurements
from toy_scores import make_bench

import zsnas
from zsnas.batches import Batch
from zsnas.proxies import NOT_MEASURED, Measurement
from zsnas.scores import store as store_module
from zsnas.scores import sweep as sweep_module
from zsnas.scores import table as table_module
from zsnas.scores.store import Row, ScoreStore, StoreError
from zsnas.scores.sweep import sweep, visited
from zsnas.spaces import NetworkUnavailable

SCRIPT = Path(tiny_benchmark.__file__)


@pytest.fixture(autouse=True)
def tiny(monkeypatch, tmp_path):
    monkeypatch.setenv("TINY_LOG", str(tmp_path / "measured.log"))
    monkeypatch.setenv("TINY_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    tiny_benchmark.install(monkeypatch.setattr)


def stored(path):
    with ScoreStore(Path(path)) as store:
        return store.scores()


def values(path):
    return {(row, score.proxy): score.value for row, found in stored(path).items() for score in found}


def test_every_architecture_is_scored_on_the_network_of_its_class():
    scores = stored(sweep("tiny", proxies=["slope"], progress=False))
    assert {row.arch: found[0].value for row, found in scores.items()} == {
        arch: tiny_benchmark.value(ARCHITECTURES[i // 2 * 2], 0, "slope")
        for i, arch in enumerate(ARCHITECTURES)
    }


def test_isomorphic_architectures_are_computed_once():
    sweep("tiny", seeds=(0, 1), proxies=["slope", "volume"], progress=False)
    assert measurements() == {
        f"{arch} {seed} {proxy}": 1
        for arch in ARCHITECTURES[::2]
        for seed in (0, 1)
        for proxy in ("slope", "volume")
    }


def test_naive_proxies_are_measured_on_the_architecture_itself():
    scores = stored(sweep("tiny", proxies=["count"], progress=False))
    assert {row.arch: found[0].value for row, found in scores.items()} == {
        arch: tiny_benchmark.value(arch, 0, "count") for arch in ARCHITECTURES
    }


def test_isomorphic_architectures_in_flight_at_the_same_time_are_computed_once():
    with ThreadPoolExecutor(6) as pool:
        sweep("tiny", proxies=["slope"], workers=6, executor=pool, progress=False)
    assert set(measurements().values()) == {1}
    assert len(measurements()) == 6


def test_default_store_is_named_after_the_benchmark():
    assert sweep("tiny", limit=1, progress=False) == Path(".zsnas/sweeps/tiny.sqlite")


def test_undefined_score_keeps_its_reason():
    scores = stored(sweep("tiny", progress=False))
    reasons = {(row.arch, s.proxy): s.reason for row, found in scores.items() for s in found if s.reason}
    assert reasons == {(arch, "volume"): tiny_benchmark.UNDEFINED for arch in ("arch04", "arch05")}
    assert all(np.isnan(s.value) == (s.reason is not None) for found in scores.values() for s in found)


def test_network_that_cannot_be_had_has_the_reason_and_is_tried_again(monkeypatch):
    def refuse(_space, arch, _batch, _seed):
        raise NetworkUnavailable(f"no memory for {arch}")

    with monkeypatch.context() as small:
        small.setattr(tiny_benchmark.TinySpace, "build_for", refuse)
        refused = stored(sweep("tiny", proxies=["slope"], limit=1, progress=False))
    (row, (score,)), *_ = refused.items()
    again = stored(sweep("tiny", proxies=["slope"], limit=1, progress=False))

    assert score.reason == f"not measured: no memory for {score.network}"
    assert again[row][0].value == tiny_benchmark.value(score.network, 0, "slope")
    assert again[row][0].reason is None


def test_what_was_refused_is_not_copied_to_the_other_architectures_of_a_class(monkeypatch):
    scored = []

    def refuse(model, _batch, proxies, _seed, _device):
        scored.append(model.arch)
        return {name: Measurement(math.nan, f"{NOT_MEASURED}no memory", 0.1) for name in proxies}

    monkeypatch.setattr(sweep_module, "measure", refuse)
    sweep("tiny", proxies=["slope"], progress=False)

    assert sorted(scored) == sorted(2 * ARCHITECTURES[::2])


def test_seconds_of_each_proxy_are_stored():
    scores = stored(sweep("tiny", limit=2, progress=False))
    assert [s.seconds for found in scores.values() for s in found] == [0.25] * 6


def test_same_call_again_computes_nothing():
    before = values(sweep("tiny", progress=False))
    counted = measurements()
    np.testing.assert_equal(values(sweep("tiny", progress=False)), before)
    assert measurements() == counted


def test_new_proxies_seeds_and_architectures_add_only_what_is_missing():
    sweep("tiny", proxies=["slope"], limit=5, progress=False)
    sweep("tiny", seeds=(0, 1), progress=False)
    assert set(measurements().values()) == {1}
    assert len(stored(".zsnas/sweeps/tiny.sqlite")) == 24


def test_batch_sizes_are_kept_apart():
    sweep("tiny", limit=1, batch_size=4, progress=False)
    scores = stored(sweep("tiny", limit=1, batch_size=8, progress=False))
    assert [row.batch_size for row in scores] == [4, 8]


def test_order_is_a_fixed_random_one_and_samples_nest():
    order = np.random.default_rng(0).permutation(12)
    bench = tiny_benchmark.benchmark("tiny")
    assert visited(bench) == [ARCHITECTURES[i] for i in order]
    assert visited(bench, limit=4) == visited(bench, limit=7)[:4]
    other = np.random.default_rng(5).permutation(12)
    assert visited(bench, limit=4, seed=5) == [ARCHITECTURES[i] for i in other[:4]]


def test_top_adds_the_complete_best_fraction_rounded_up_after_the_sample():
    bench = tiny_benchmark.benchmark("tiny")
    chosen = visited(bench, limit=2, top=0.2)
    assert chosen[:2] == visited(bench, limit=2)
    assert set(chosen) == {*visited(bench, limit=2), "arch09", "arch10", "arch11"}
    assert len(chosen) == len(set(chosen))


def test_top_keeps_the_architectures_that_tie_with_its_last_one():
    bench = tiny_benchmark.benchmark("tiny")
    tied = replace(bench, table=bench.table.assign(test_accuracy=bench.table["test_accuracy"] // 4))
    assert sorted(visited(tied, limit=0, top=0.1)) == ["arch08", "arch09", "arch10", "arch11"]


def test_the_top_fraction_is_of_decimal_numbers():
    """Of 100, 7 % are 7, although 0.07 · 100 is 7.000000000000001 to the processor."""
    assert len(make_bench(range(100)).top(0.07)) == 7
    assert len(make_bench(range(100)).top(0.071)) == 8


def test_architectures_without_truth_are_not_visited():
    bench = tiny_benchmark.benchmark("tiny")
    assert set(visited(replace(bench, table=bench.table.drop(index=3)))) == set(ARCHITECTURES) - {"arch03"}


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"seeds": ()}, "seeds is empty"),
        ({"limit": -1}, "limit is -1"),
        (
            {"limit": 1.5},
            "limit is 1.5; it must be a whole number, at least 0, for example 1000, or",
        ),
        ({"top": 5.0}, "top is 5.0"),
        ({"top": "all"}, "top is 'all'; it is a fraction between 0 and 1"),
        ({"seeds": None}, "the seed is None; it must be a whole number"),
        ({"seeds": (0, -1)}, "the seed is -1; it must be a whole number"),
        ({"seeds": "01"}, "the seed is '01'; it must be a whole number"),
        ({"proxies": 3}, "proxies are asked for by their names, not by 3"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"workers": 0}, "workers is 0"),
    ],
)
def test_setting_out_of_range_is_named_with_its_value(setting, message):
    with pytest.raises(ValueError, match=message):
        sweep("tiny", progress=False, **setting)


def test_one_seed_or_name_stands_for_a_list_of_one_and_numpys_integers_are_numbers():
    listed = values(sweep("tiny", proxies=["slope"], seeds=[3], limit=2, batch_size=4, progress=False))
    numbers = {"seeds": np.int64(3), "limit": np.int64(2), "batch_size": np.int64(4), "workers": np.int64(1)}
    assert values(sweep("tiny", proxies="slope", store="one.sqlite", progress=False, **numbers)) == listed
    numbers |= {"seeds": [3, 3]}
    twice = sweep("tiny", proxies=["slope"] * 2, store="twice.sqlite", progress=False, **numbers)
    assert values(twice) == listed


def noise(_name, size, seed, images_per_class):
    """Return noise of so many classes as have so many images; its source does not say how many."""
    if images_per_class > size:
        raise ValueError(f"{size} cannot have {images_per_class} of a class")
    images = torch.randn(size, 3, 8, 8, generator=torch.Generator().manual_seed(seed))
    return Batch(images, torch.arange(size) // images_per_class, 6, f"{images_per_class} of a class")


@pytest.fixture
def real_proxies(monkeypatch):
    """Sweep the tiny benchmark with a small network for each architecture, and measure it."""
    for name in ("measure", "proxy", "choose_proxies"):
        monkeypatch.setattr(sweep_module, name, getattr(zsnas.proxies, name))
    monkeypatch.setattr(store_module, "list_proxies", zsnas.proxies.list_proxies)
    monkeypatch.setattr(
        sweep_module, "batch", lambda *given, images_per_class: noise(*given, images_per_class)
    )
    monkeypatch.setattr(tiny_benchmark.TinySpace, "build_for", lambda *_: small(6))


@pytest.mark.usefixtures("real_proxies")
def test_a_proxy_that_compares_images_of_a_class_has_a_batch_with_several():
    path = sweep("tiny", proxies=["epe_nas", "snip", "params"], limit=3, batch_size=6, progress=False)
    (first, *others) = ({s.proxy: s.value for s in found} for found in stored(path).values())
    ordinary, pairs = (noise("", 6, 0, count) for count in (1, 2))
    wanted = {
        **zsnas.score(small(6), ordinary, ["snip", "params"]),
        **zsnas.score(small(6), pairs, ["epe_nas"]),
    }
    assert first == pytest.approx(wanted, rel=1e-4)  # a sweep has one thread
    assert math.isfinite(first["epe_nas"])
    assert others == [first, first]


@pytest.mark.usefixtures("real_proxies")
def test_a_store_is_bound_to_the_ordinary_batch_whichever_proxies_are_asked_for():
    path = sweep("tiny", proxies=["epe_nas"], limit=1, batch_size=6, progress=False)
    sweep("tiny", proxies=["snip"], limit=2, batch_size=6, progress=False)
    with ScoreStore(path) as store:
        assert store.settings["batch_source"] == "1 of a class"


@pytest.mark.usefixtures("real_proxies")
def test_where_no_batch_has_several_images_of_a_class_only_its_proxies_are_undefined():
    path = sweep("tiny", proxies=["epe_nas", "params"], limit=1, batch_size=1, progress=False)
    ((params, epe_nas),) = (sorted(found, key=lambda s: s.reason or "") for found in stored(path).values())
    assert (params.proxy, params.reason) == ("params", None)
    assert (epe_nas.proxy, epe_nas.reason) == ("epe_nas", "1 cannot have 2 of a class")


def test_store_of_other_images_is_refused(monkeypatch):
    sweep("tiny", limit=1, progress=False)
    monkeypatch.setenv("TINY_SOURCE", "photographs")
    with pytest.raises(StoreError, match=r"'tiny images'.*'photographs'"):
        sweep("tiny", limit=2, progress=False)


@pytest.mark.parametrize(("first", "second"), [(None, "cuda:1"), ("cuda", None), ("cuda", "mps")])
def test_store_of_another_kind_of_device_is_refused(monkeypatch, first, second):
    monkeypatch.setattr(sweep_module, "check_placement", lambda *_: None)
    path = sweep("tiny", limit=1, device=first, progress=False)
    kinds = [(device or "cpu").partition(":")[0] for device in (first, second)]
    with pytest.raises(StoreError, match=r"on the device '{}' and these would be on '{}'".format(*kinds)):
        sweep("tiny", limit=2, device=second, progress=False)
    assert len(stored(path)) == 1


def test_store_takes_scores_of_another_device_of_its_kind(monkeypatch):
    monkeypatch.setattr(sweep_module, "check_placement", lambda *_: None)
    sweep("tiny", limit=1, device="cuda:0", progress=False)
    assert len(stored(sweep("tiny", limit=2, device="cuda:1", progress=False))) == 2


def test_the_processor_is_not_named_in_a_store():
    with ScoreStore(sweep("tiny", limit=1, device="cpu", progress=False)) as store:
        assert store.settings == {"benchmark": "tiny", "batch_source": "tiny images"}


def test_store_of_another_benchmark_is_refused():
    path = sweep("tiny", limit=1, progress=False)
    with pytest.raises(StoreError, match=r"scores of 'tiny', not of 'other'"):
        sweep("other", store=path, progress=False)


def test_file_that_is_not_a_store_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("not a database, but long enough to look like one " * 30)
    with pytest.raises(StoreError, match=r"notes\.txt is not a score store"):
        sweep("tiny", store=tmp_path / "notes.txt", progress=False)


def test_second_sweep_on_a_store_is_refused_while_the_first_is_at_work():
    path = sweep("tiny", limit=1, progress=False)
    with (
        ScoreStore(path) as first,
        first.locked(),
        pytest.raises(StoreError, match="another sweep is writing"),
    ):
        sweep("tiny", progress=False)
    sweep("tiny", progress=False)


class Elsewhere(Executor):
    """A worker on another machine, with what `changes` say."""

    def __init__(self, **changes):
        self.changes = changes

    def submit(self, fn, task, /):
        future = Future()
        try:
            future.set_result(fn(replace(task, home="elsewhere/1", **self.changes)))
        except Exception as error:  # noqa: BLE001 - as an executor does
            future.set_exception(error)
        return future


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"images": {("tiny", 64, 0): "other"}},
            "has other images of 'tiny', from 'tiny images'; make the same",
        ),
        ({"versions": {"torch": "0.4"}}, r"has torch .* and not 0\.4; give every worker the same"),
    ],
)
def test_worker_with_other_images_or_versions_is_refused_before_it_scores(changes, message):
    with pytest.raises(StoreError, match=message):
        sweep("tiny", executor=Elsewhere(**changes), progress=False)
    assert stored(".zsnas/sweeps/tiny.sqlite") == {}
    assert not measurements()


def failing_at(third, error):
    def measure(model, *args):
        if model.arch == third:
            raise error
        return tiny_benchmark.measure(model, *args)

    return measure


@pytest.mark.parametrize(
    "error", [MemoryError(), ValueError("no"), KeyError("no"), np.linalg.LinAlgError("no"), SystemExit(3)]
)
def test_a_network_that_fails_costs_its_scores_alone(monkeypatch, error):
    third = visited(tiny_benchmark.benchmark("tiny"))[2]
    monkeypatch.setattr(sweep_module, "measure", failing_at(third, error))
    scores = stored(sweep("tiny", proxies=["count"], progress=False))
    reasons = {row.arch: found[0].reason for row, found in scores.items()}
    assert len(reasons) == 12
    assert reasons.pop(third).startswith("not measured: scoring it ")
    assert set(reasons.values()) == {None}


def test_one_failing_proxy_costs_its_own_score_and_is_tried_again(monkeypatch):
    def measure(model, batch, proxies, *others):
        if "slope" in proxies:
            raise ValueError("no slope")
        return tiny_benchmark.measure(model, batch, proxies, *others)

    with monkeypatch.context() as failing:
        failing.setattr(sweep_module, "measure", measure)
        first = stored(sweep("tiny", limit=1, progress=False))
    ((row, found),) = first.items()
    assert {score.proxy: score.reason for score in found} == {
        "count": None,
        "slope": "not measured: scoring it failed: it raised ValueError: no slope",
        "volume": None,
    }
    again = stored(sweep("tiny", limit=1, progress=False))[row]
    assert {score.reason for score in again} == {None}


def test_a_builder_that_fails_is_a_reason(monkeypatch):
    monkeypatch.setattr(tiny_benchmark.TinySpace, "build_for", lambda *_: {}["no such layer"])
    scores = stored(sweep("tiny", proxies=["slope"], limit=1, progress=False))
    assert [found[0].reason for found in scores.values()] == [
        "not measured: building it failed: it raised KeyError: 'no such layer'"
    ]


def test_ctrl_c_says_how_much_is_stored_and_how_to_resume(monkeypatch):
    third = visited(tiny_benchmark.benchmark("tiny"))[2]

    def measure(model, *args):
        if model.arch == third:
            raise KeyboardInterrupt
        return tiny_benchmark.measure(model, *args)

    monkeypatch.setattr(sweep_module, "measure", measure)
    with pytest.raises(KeyboardInterrupt, match=r"2 of 12 architectures are in .*tiny\.sqlite; .* resumes"):
        sweep("tiny", proxies=["count"], progress=False)


def test_no_more_than_twice_the_workers_are_in_flight():
    class Hoarder(Executor):
        """One slow thread; notes how much is waiting for it."""

        waiting, most = 0, 0

        def submit(self, fn, /, *args):
            self.waiting += 1
            self.most = max(self.most, self.waiting)
            return pool.submit(self.slowly, fn, *args)

        def slowly(self, fn, *args):
            time.sleep(0.02)
            result = fn(*args)
            self.waiting -= 1
            return result

    hoarder = Hoarder()
    with ThreadPoolExecutor(1) as pool:
        sweep("tiny", proxies=["count"], workers=2, executor=hoarder, progress=False)
    assert hoarder.most <= 4


def test_bar_counts_what_is_already_there(capfd):
    sweep("tiny", limit=3, progress=False)
    sweep("tiny", limit=5)
    assert "5/5" in capfd.readouterr().err
    sweep("tiny", limit=5)
    assert "100%" in capfd.readouterr().err


def test_real_cells_and_proxies_are_scored_and_shared(monkeypatch, tmp_path):
    """Two cells that differ in an operation whose output reaches nothing: one function, two #Params."""
    monkeypatch.undo()
    used = "|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|"
    idle = "|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|"
    bench = replace(
        tiny_benchmark.benchmark("cells"),
        table=pd.DataFrame({"arch": [used, idle], "test_accuracy": [1.0, 2.0]}),
        space="nb201",
    )
    images = Batch(torch.linspace(-1, 1, 4 * 3 * 8 * 8).reshape(4, 3, 8, 8), torch.arange(4), 10, "a ramp")
    monkeypatch.setattr(sweep_module, "benchmark", lambda _name: bench)
    monkeypatch.setattr(sweep_module, "batch", lambda *_settings, **_: images)
    monkeypatch.setattr(table_module, "DATA", Path("nowhere"))
    settings = {"proxies": ["params", "synflow"], "batch_size": 4, "progress": False}
    scores = values(sweep("cells", store=tmp_path / "cells.sqlite", **settings))
    kernels = 9 * 5 * (16**2 + 32**2 + 64**2)  # of a 3x3 convolution in the five cells of each stage
    norms = 2 * 5 * (16 + 32 + 64)
    counts = {arch: scores[Row(arch, 0, 4), "params"] for arch in (used, idle)}
    assert counts[idle] - counts[used] == kernels + norms
    assert scores[Row(idle, 0, 4), "synflow"] == scores[Row(used, 0, 4), "synflow"] > 0


def start(store, workers, **environment):
    return subprocess.Popen(
        [sys.executable, "-W", "error", SCRIPT, store, str(workers)],
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
    )


def kill_after(process, store, rows):
    """Kill a sweep once that many architectures are in its store; return them, and its children."""
    deadline = time.monotonic() + 100
    while not (store.exists() and len(stored(store)) >= rows):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.wait()
    return values(store), children


def test_sweep_killed_twice_resumes_without_loss_or_repetition(tmp_path):
    store = tmp_path / "killed.sqlite"
    first, _ = kill_after(start(store, 1, TINY_DELAY="0.05"), store, 2)
    second, _ = kill_after(start(store, 1, TINY_DELAY="0.05"), store, 6)
    assert start(store, 1).wait() == 0
    final = values(store)
    np.testing.assert_equal({key: final[key] for key in first}, first)
    np.testing.assert_equal({key: final[key] for key in second}, second)
    repeated = [line.split()[0] for line, times in measurements().items() if times > 1]
    assert len(set(repeated)) <= 4  # of each of the two in flight: the network of its class and its own
    np.testing.assert_equal(final, values(sweep("tiny", store="undisturbed.sqlite", progress=False)))


def test_processes_give_the_same_scores_and_end_with_a_killed_sweep(tmp_path):
    store = tmp_path / "killed.sqlite"
    _, children = kill_after(start(store, 2, TINY_DELAY="0.1"), store, 1)
    _, alive = psutil.wait_procs(children, timeout=10)
    assert children
    assert not alive
    sweep("tiny", store=store, progress=False)
    np.testing.assert_equal(values(store), values(sweep("tiny", store="undisturbed.sqlite", progress=False)))
    assert Row("arch00", 0, 64) in stored(store)
