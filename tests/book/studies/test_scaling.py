import tracemalloc

import numpy as np
import pytest

from zsnas.book.studies import overhead, scaling
from zsnas.book.studies.scaling import Costs, simulated
from zsnas.scores import table
from zsnas.scores._dealing import size_of_chunk
from zsnas.scores.store import ScoreStore

FREE = Costs(0.0, 0.0, 0.0)


def test_one_worker_takes_the_sum_and_two_take_half():
    assert simulated([10.0] * 4, 1, FREE) == (40.0, 1.0, 0.0, 0.0)
    assert simulated([10.0] * 4, 2, FREE) == (20.0, 1.0, 0.0, 0.0)


def test_the_longest_architecture_comes_last_and_one_worker_waits():
    # 1 + 9 and 2 + 3 seconds, of 2 × 10.
    assert simulated([1.0, 2.0, 3.0, 9.0], 2, FREE)[:2] == (pytest.approx(11.0), pytest.approx(15 / 22))


def test_a_writer_that_is_slower_than_the_workers_is_the_limit():
    run = simulated([1.0] * 1000, 100, Costs(row=1.0, chunk=0.0, scheduler=0.0))
    assert run.seconds == pytest.approx(1002)  # a chunk is of two, and before the first nothing comes back
    assert run.used == pytest.approx(1000 / (100 * 1002))
    found = scaling.runs(np.array([1.0]), Costs(1.0, 0.0, 0.0), sizes=[1000], workers=[100])
    assert scaling.limit(found.iloc[0]) == "the writer"


def test_more_architectures_than_are_simulated_go_on_at_the_same_pace():
    found = scaling.runs(np.array([2.0]), FREE, sizes=[500, 100_000], workers=[10], most=500)
    assert found["seconds"].tolist() == [pytest.approx(100), pytest.approx(20_000)]


def test_chunks_take_a_second_and_longer_with_many_in_flight():
    assert size_of_chunk(0.0, slots=4, most=256) == 1
    assert size_of_chunk(0.1, slots=4, most=256) == 10
    assert size_of_chunk(0.1, slots=2000, most=256) == 200
    assert size_of_chunk(0.1, slots=2000, most=8) == 8
    assert size_of_chunk(60.0, slots=4, most=256) == 1


def test_made_up_scores_are_what_a_store_reads(tmp_path):
    path = tmp_path / "made_up.sqlite"
    assert overhead._fill(path, 3) == 3
    with ScoreStore(path) as store:
        scores = store.scores()
    assert [len(of_row) for of_row in scores.values()] == [overhead.LARGE_PROXIES] * 3


def test_the_memory_of_publishing_does_not_grow_with_the_scores(tmp_path, monkeypatch):
    """A row more takes its key, and none of its 42 scores."""
    monkeypatch.setattr(table, "CHUNK", 100)
    monkeypatch.setattr(table, "update", lambda *_: None)
    peaks = []
    for rows in (100, 200, 1200):
        path = tmp_path / f"{rows}.sqlite"
        overhead._fill(path, rows)
        tracemalloc.start()
        table.publish(path, overhead.LARGE, tmp_path / f"{rows}.parquet")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert len(table.read(tmp_path / "1200.parquet")) == 1200
    a_score = 24 + 8  # a float of Python, and its place in a list
    assert (peaks[2] - peaks[1]) / 1000 < overhead.LARGE_PROXIES * a_score / 2


def test_the_committed_costs_are_those_that_the_page_needs():
    found = scaling.measured()
    assert all(0 < cost < 0.1 for cost in scaling.costs(found))
    assert found.loc["dealing 2", "value"] < found.loc["dealing 42", "value"]
    assert "ms" in scaling.beside_scoring(found)
