"""Searches on the size space of NATS-Bench by #Params, whose best architectures are known."""

import json
import math
import random
import re
from concurrent.futures import Future
from typing import ClassVar

import pytest

import zsnas
from zsnas._processes import TimedOut, WorkerDied
from zsnas.search import Budget, BudgetError, Checkpoint, CheckpointError, Objective, _run, evolution, search
from zsnas.spaces import space

SIZES = space("nats-sss")
SETTINGS = {"space": "nats-sss", "seed": 0}
SCORED = {"arch": "8:8:8:8:8", "scores": {"params": 1.0}, "reasons": {}, "seconds": 0.5}


def searched(**settings):
    given = {"proxies": ["params"], "batch_name": "cifar10", "batch_size": 2, "steps": 30, "progress": False}
    return search("nats-sss", **given | settings)


# --- the objective


def test_one_proxy_is_read_as_its_direction_says_and_nan_is_last():
    assert Objective(["params"]).best([{"params": 1.0}, {"params": float("nan")}, {"params": 2.0}]) == 2
    assert (
        Objective(["ntk_cond"]).best([{"ntk_cond": float("nan")}, {"ntk_cond": 3.0}, {"ntk_cond": 2.0}]) == 2
    )


# Ranks by #Params 1, 2, 3 and by NTK_Cond, lower is better, 3, 2.5 → third in the middle: 2 + 3 is the most.
def test_several_proxies_add_their_ranks():
    scores = [
        {"params": 1.0, "ntk_cond": 5.0},
        {"params": 2.0, "ntk_cond": 4.0},
        {"params": 3.0, "ntk_cond": float("nan")},
    ]
    assert Objective(["params", "ntk_cond"]).values(scores) == [3.0, 5.0, 4.0]


class Losing:
    """In the place of processes: scores here, but for the calls that are to be lost, by their number."""

    lost: ClassVar[dict] = {}
    calls = 0

    def __init__(self, *_):
        pass

    def submit(self, call):
        Losing.calls += 1
        future = Future()
        if Losing.calls in self.lost:
            future.set_exception(self.lost[Losing.calls])
        else:
            future.set_result(call())
        return future

    def shutdown(self, **_):
        pass


def test_a_process_that_ends_costs_one_retry_and_then_the_network(tmp_path, monkeypatch):
    monkeypatch.setattr(_run, "Processes", Losing)
    died, late = WorkerDied("its process ended with exit status 7"), TimedOut("it took longer")
    monkeypatch.setattr(Losing, "lost", {1: died, 3: died, 4: died, 5: late})
    monkeypatch.setattr(Losing, "calls", 0)
    settings = {"proxies": ["l2_norm"], "algorithm": "random", "steps": 3}
    expected = searched(**settings).history["l2_norm"].tolist()
    settings |= {"checkpoint": tmp_path / "a.jsonl", "time_limit": 60}
    found = searched(**settings).history
    assert found["l2_norm"].tolist() == pytest.approx([expected[0], math.nan, math.nan], nan_ok=True)
    assert found["reasons"].tolist() == [
        "",
        "not measured: its process ended with exit status 7, twice",
        "not measured: it took longer",
    ]
    # The next call tries again what was not measured, and that alone.
    assert searched(**settings).history["l2_norm"].tolist() == expected
    assert Losing.calls == 7


@pytest.mark.parametrize("proxies", [[], ["params", "params"]])
def test_proxies_are_given_once_each(proxies):
    with pytest.raises(ValueError, match="at least one proxy, and each once"):
        Objective(proxies)


def test_proxies_that_compare_images_of_a_class_see_several(monkeypatch):
    drawn = []

    def batch(*given, images_per_class):
        drawn.append(images_per_class)
        return zsnas.batch(*given, images_per_class=images_per_class)

    monkeypatch.setattr(_run, "batch", batch)
    found = searched(proxies=["params", "epe_nas"], batch_size=4, steps=1)
    assert found.history["epe_nas"].notna().all()
    searched(steps=1)
    assert drawn == [2, 1]


# --- the budget


def test_a_draw_goes_downhill_where_no_sample_is_cheap_enough():
    smallest = SIZES.counts("8:8:8:8:8", 10, 32).macs
    assert Budget(SIZES, smallest, 10, 32).draw(random.Random(0)) == "8:8:8:8:8"


def test_a_budget_that_nothing_meets_names_the_cheapest():
    smallest = SIZES.counts("8:8:8:8:8", 10, 32).macs
    with pytest.raises(BudgetError, match=rf"the cheapest is '8:8:8:8:8' with {smallest:,}"):
        Budget(SIZES, smallest - 1, 10, 32).draw(random.Random(0))


def test_a_mutation_stays_within_the_budget():
    here = "8:8:8:8:8"
    just = Budget(SIZES, SIZES.counts(here, 10, 32).macs, 10, 32)
    assert just.mutated(here, random.Random(0)) == here
    assert Budget(SIZES, num_classes=10, image_size=32).mutated(here, random.Random(0)) in SIZES.neighbours(
        here
    )


@pytest.mark.parametrize(
    ("name", "arch"), [("nb201", space("nb201").architectures[7]), ("nats-sss", "24:8:40:16:64")]
)
def test_the_table_of_counts_is_what_a_built_network_has(name, arch):
    assert Budget(space(name), 1e9, 10, 32).counts(arch) == space(name).counts(arch, 10, 32)


# --- the algorithms


@pytest.mark.parametrize("algorithm", ["evolution", "local", "random"])
def test_a_search_keeps_to_steps_and_budget_and_names_its_best(algorithm):
    found = searched(algorithm=algorithm, macs=20e6)
    assert len(found.history) == 30
    assert (found.history["macs"] <= 20e6).all()
    best = found.history.set_index("arch")["params"]
    assert best[found.arch].max() == best.max() == found.trajectory.iloc[-1]
    assert (found.history["params"] == found.history["parameters"]).all()
    assert found.history.equals(
        searched(algorithm=algorithm, macs=20e6).history.assign(seconds=found.history["seconds"])
    )


def test_a_local_search_climbs_to_the_largest_network():
    assert searched(algorithm="local", steps=200).arch == "64:64:64:64:64"


def test_a_child_is_one_step_from_its_parent_among_the_living(monkeypatch):
    monkeypatch.setattr(evolution, "TOURNAMENT", 1)
    history = searched(steps=40, population=5).history
    for step in range(5, 40):
        living = history.iloc[step - 5 : step]
        parent = living.loc[living["params"].idxmax(), "arch"]  # the tournament has all of them
        ties = living[living["params"] == living["params"].max()]["arch"]
        assert any(history["arch"][step] in SIZES.neighbours(arch) for arch in [parent, *ties])


def test_another_seed_searches_elsewhere():
    assert searched(seed=1, steps=3).history["arch"].tolist() != searched(steps=3).history["arch"].tolist()


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"algorithm": "magic"}, "unknown search algorithm 'magic'; valid are evolution, local, random"),
        ({"seed": None}, "the seed is None; it must be a whole number"),
        ({"steps": 1.5}, "steps is 1.5; it must be a whole number, at least 1"),
        ({"batch_size": "16"}, "batch_size is '16'; it must be a whole number"),
        ({"proxies": 3}, "proxies are asked for by their names, not by 3"),
        ({"steps": 0}, "steps is 0; it must be a whole number, at least 1, for example 10_000"),
    ],
)
def test_bad_input_is_a_sentence(settings, why):
    with pytest.raises(ValueError, match=re.escape(why)):
        searched(**settings)


# --- checkpoints


def test_a_killed_search_goes_on_and_ends_as_one_that_ran_through(tmp_path):
    path = tmp_path / "kept" / "search.jsonl"
    whole = searched(checkpoint=path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:10]) + lines[10][:20])  # killed while it wrote the tenth score
    again = searched(checkpoint=path)
    assert again.arch == whole.arch
    assert again.history["arch"].equals(whole.history["arch"])
    kept = path.read_bytes().splitlines(keepends=True)
    assert kept[:10] == lines[:10]
    assert len(kept) == len(lines)

    def architectures(written):
        return [json.loads(line.partition(b"\t")[0])["arch"] for line in written[1:]]

    assert architectures(kept) == architectures(lines)


def test_a_finished_search_goes_on_with_more_steps(tmp_path, monkeypatch):
    path = tmp_path / "search.jsonl"
    first = searched(checkpoint=path, steps=5).history
    searched(checkpoint=path, steps=8)
    monkeypatch.setattr(_run, "measure", lambda *_: pytest.fail("scored again"))
    assert searched(checkpoint=path, steps=8).history["arch"][:5].tolist() == first["arch"].tolist()


@pytest.mark.parametrize(
    ("other", "why"),
    [({"seed": 1}, "seed 0 and not 1"), ({"macs": 3e7}, "macs None and not 30000000.0")],
)
def test_a_checkpoint_of_another_search_is_refused_and_kept(tmp_path, other, why):
    path = tmp_path / "search.jsonl"
    searched(checkpoint=path, steps=2)
    before = path.read_bytes()
    with pytest.raises(CheckpointError, match=re.escape(why)):
        searched(checkpoint=path, steps=2, **other)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", ["hello", "hello\n", "[1]\n", '{"seed": 0, "space": "nats-sss"}\n{}\n'])
def test_a_file_that_is_no_checkpoint_is_refused_and_kept(tmp_path, content):
    path = tmp_path / "search.jsonl"
    path.write_text(content)
    with pytest.raises(CheckpointError, match="is no checkpoint of a search"):
        Checkpoint(path, SETTINGS)
    assert path.read_text() == content


def test_a_search_that_was_killed_in_its_first_line_starts_again(tmp_path):
    path = tmp_path / "search.jsonl"
    path.write_text(json.dumps(SETTINGS)[:9])
    with Checkpoint(path, SETTINGS) as checkpoint:
        checkpoint.add(SCORED)
    with Checkpoint(path, SETTINGS) as checkpoint:
        assert checkpoint.scored == {SCORED["arch"]: SCORED}


def kept(path):
    """Return what a checkpoint holds, or the sentence that says why not."""
    try:
        with Checkpoint(path, SETTINGS) as checkpoint:
            return checkpoint.scored
    except CheckpointError as error:
        return str(error)


def test_flipped_bits_of_a_checkpoint_are_noticed(tmp_path):
    path, rng = tmp_path / "c.jsonl", random.Random(0)
    with Checkpoint(path, SETTINGS) as checkpoint:
        for number in range(5):
            checkpoint.add({**SCORED, "arch": f"arch{number}"})
    whole, content = kept(path), path.read_bytes()
    for _ in range(200):
        changed = bytearray(content)
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
        path.write_bytes(changed)
        found = kept(path)
        # Without its last newline, the last line is that of a search that was killed.
        assert str(path) in found or found == {name: whole[name] for name in list(whole)[:4]}


def test_a_checkpoint_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointError, match="cannot be written"):
        Checkpoint(tmp_path / "file" / "search.jsonl", SETTINGS)


def test_two_searches_do_not_share_a_checkpoint(tmp_path):
    path = tmp_path / "search.jsonl"
    with Checkpoint(path, SETTINGS), pytest.raises(CheckpointError, match="another search is writing"):
        Checkpoint(path, SETTINGS)


# --- counts


def test_counts_by_formula_are_those_of_the_network_and_need_no_network(monkeypatch):
    cells = space("proxyless")
    settings = {"batch_name": "cifar10", "batch_size": 2, "image_size": 64, "progress": False}
    with monkeypatch.context() as patched:
        patched.setattr(type(cells), "build", None)
        found = search("proxyless", proxies=["params", "flops"], steps=2, **settings)

    first = found.history.iloc[0]
    network = cells.build(first["arch"], 10, 0)

    assert first["params"] == sum(weights.numel() for weights in network.parameters())
    assert first["flops"] == first["macs"]
