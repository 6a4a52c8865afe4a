"""A sweep whose workers die or hang: what is lost is dealt again, or put aside with a reason."""

import math
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from pathlib import Path

import pytest
import tiny_benchmark
import torch
from small_networks import small
from tiny_benchmark import ARCHITECTURES, measurements

import zsnas
from zsnas._processes import TimedOut, WorkerDied
from zsnas.batches import Batch
from zsnas.scores import store as store_module
from zsnas.scores import sweep as sweep_module
from zsnas.scores.store import ScoreStore, StoreError
from zsnas.scores.sweep import sweep


@pytest.fixture(autouse=True)
def tiny(monkeypatch, tmp_path):
    monkeypatch.setenv("TINY_LOG", str(tmp_path / "measured.log"))
    monkeypatch.setenv("TINY_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    tiny_benchmark.install(monkeypatch.setattr)


def scores(path):
    with ScoreStore(Path(path)) as store:
        return {(row.arch, s.proxy): (s.value, s.reason) for row, s in store.each()}


def by_row(path):
    with ScoreStore(Path(path)) as store:
        return {(row, s.proxy): (s.value, s.reason) for row, s in store.each()}


class Losing(Executor):
    """Scores here, but for tasks with some architecture, which raise an error so many times."""

    def __init__(self, arch, error, times):
        self.arch, self.error, self.left, self.sizes, self.lost = arch, error, times, [], 0

    def submit(self, fn, task, /):
        future = Future()
        self.sizes.append(len(task.jobs))
        if self.left and any(job.network == self.arch for job in task.jobs):
            self.left -= 1
            self.lost += 1
            future.set_exception(self.error)
        else:
            future.set_result(fn(task))
        return future


def undisturbed():
    return scores(sweep("tiny", store="undisturbed.sqlite", proxies=["slope"], progress=False))


def test_a_worker_that_dies_costs_one_retry():
    pool = Losing("arch04", WorkerDied("its process was ended by SIGKILL"), times=1)
    found = scores(sweep("tiny", proxies=["slope"], executor=pool, progress=False))
    assert found == undisturbed()


@pytest.mark.parametrize(
    ("error", "tries", "reason"),
    [
        (WorkerDied("its process was ended by SIGSEGV"), 2, "its process was ended by SIGSEGV, twice"),
        (TimedOut("it took longer than the limit of 9 s"), 1, "it took longer than the limit of 9 s"),
    ],
)
def test_a_network_that_loses_its_workers_is_put_aside_with_the_reason(error, tries, reason):
    pool = Losing("arch04", error, times=math.inf)
    found = scores(sweep("tiny", proxies=["slope"], executor=pool, progress=False))
    lost = {key: found.pop(key) for key in [("arch04", "slope"), ("arch05", "slope")]}
    assert {why for _, why in lost.values()} == {f"not measured: {reason}"}
    expected = undisturbed()
    assert {key: expected[key] for key in found} == found
    assert tries <= pool.lost <= tries + 1  # alone, and before that perhaps in a chunk; not its twin
    # The next call tries again what was put aside, and that alone.
    counted = measurements()["arch04 0 slope"]
    assert scores(sweep("tiny", proxies=["slope"], progress=False)) == expected
    assert measurements()["arch04 0 slope"] == counted + 1


def test_quick_architectures_go_to_a_worker_together_and_a_lost_chunk_is_dealt_apart():
    pool = Losing("arch10", WorkerDied("gone"), times=1)
    found = scores(sweep("tiny", proxies=["count"], executor=pool, seeds=range(9), progress=False))
    assert max(pool.sizes) > 4
    assert len(found) == len(ARCHITECTURES)
    assert all(reason is None for _, reason in found.values())


def test_the_time_limit_starts_anew_with_each_architecture(monkeypatch):
    parts = []
    monkeypatch.setattr(sweep_module, "goes_on", lambda: parts.append(sum(measurements().values())))
    sweep("tiny", proxies=["count"], executor=Losing("", None, 0), seeds=(0, 1), progress=False)
    assert parts == list(range(1, 25))


def test_a_broken_executor_is_a_sentence_and_the_next_one_resumes():
    class Broken(Losing):
        def submit(self, fn, task, /):
            if not self.left:
                raise BrokenExecutor("all its processes are gone")
            self.left -= 1
            future = Future()
            future.set_result(fn(task))
            return future

    with pytest.raises(StoreError, match=r"no more answers \(all its processes are gone\).*resumes"):
        sweep("tiny", proxies=["slope"], executor=Broken("", None, 2), progress=False)
    assert scores(sweep("tiny", proxies=["slope"], progress=False)) == undisturbed()
    assert set(measurements().values()) == {2}  # once here and once undisturbed


@pytest.fixture
def real(monkeypatch):
    """Sweep the tiny benchmark with drawn networks and real proxies."""
    for name in ("measure", "proxy", "choose_proxies"):
        monkeypatch.setattr(sweep_module, name, getattr(zsnas.proxies, name))
    monkeypatch.setattr(store_module, "list_proxies", zsnas.proxies.list_proxies)
    images = torch.randn(8, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    batch = Batch(images, torch.arange(8) % 4, 4, "noise")
    monkeypatch.setattr(sweep_module, "batch", lambda *_, **__: batch)

    def build(_space, arch, _batch, seed):
        from zsnas._numbers import torch_seeded

        with torch_seeded(seed + ARCHITECTURES.index(arch)):
            network = small(4)
            for weight in network.parameters():
                torch.nn.init.normal_(weight)
            return network

    monkeypatch.setattr(tiny_benchmark.TinySpace, "build_for", build)


@pytest.mark.usefixtures("real")
def test_threads_give_what_one_process_gives():
    """Networks and some proxies draw from torch's global generators, one after the other."""
    settings = {
        "proxies": ["params", "snip", "grasp", "zen_score", "naswot"],
        "seeds": (0, 1),
        "progress": False,
    }
    alone = by_row(sweep("tiny", store="alone.sqlite", **settings))
    before = torch.get_num_threads()
    with ThreadPoolExecutor(4) as pool:
        together = by_row(sweep("tiny", store="threads.sqlite", executor=pool, workers=4, **settings))
    assert together == alone
    assert len(set(alone.values())) > 10
    assert torch.get_num_threads() == before


@pytest.mark.usefixtures("real")
def test_a_store_made_with_other_threads_or_another_torch_goes_on_with_a_word_only(monkeypatch):
    settings = {"proxies": ["snip"], "progress": False}
    path = sweep("tiny", limit=1, **settings)
    with pytest.raises(StoreError, match=r"1 threads and these would be with 2; .*mix=True"):
        sweep("tiny", limit=2, threads=2, **settings)
    with monkeypatch.context() as later:
        later.setattr(sweep_module.torch, "__version__", "99.1+cpu")
        with pytest.raises(StoreError, match=r"torch .* and these would be with 99\.1; .*mix=True"):
            sweep("tiny", limit=2, **settings)
    sweep("tiny", limit=2, threads=2, mix=True, **settings)
    with ScoreStore(path) as store:
        counts = [made_with["machine"].partition("torch threads: ")[2] for made_with in store.made_with]
    assert sorted(counts) == ["1", "2"]
