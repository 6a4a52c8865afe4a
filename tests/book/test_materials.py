"""What a page works with: published scores when they cover it, live ones otherwise, and it says which."""

import dataclasses
import logging

import pandas as pd
import pytest

import zsnas.benchmarks
import zsnas.spaces
from zsnas.benchmarks import Benchmark
from zsnas.book import materials
from zsnas.scores.store import ScoreStore

ARCHS = [f"a{i}" for i in range(20)]


@pytest.fixture
def bench():
    table = pd.DataFrame({"arch": ARCHS, "test_accuracy": [float(i) for i in range(20)]})
    return Benchmark("toy/data", table, space="toy", batch="toy", licence="none", citation="A toy")


@pytest.fixture
def published(monkeypatch):
    """Publish seed 0 of all architectures and seed 1 of four; record what is scored live."""
    table = pd.DataFrame(
        {"arch": ARCHS + ARCHS[:4], "seed": [0] * 20 + [1] * 4, "batch_size": 64, "params": 1.0}
    )
    live = []

    def score_live(_bench, proxies, seeds, batch_size, count, recompute):
        live.append((list(seeds), batch_size, count, recompute))
        rows = [(arch, seed, batch_size) for arch in ARCHS for seed in (0, *seeds)]
        return (
            pd.DataFrame(rows, columns=["arch", "seed", "batch_size"])
            .drop_duplicates()
            .assign(**dict.fromkeys(proxies, 2.0))
        )

    def read(_name, batch_size):
        if batch_size != 64:
            raise ValueError("no published scores for this batch size")
        return table

    monkeypatch.setattr(materials, "published_scores", read)
    monkeypatch.setattr(materials, "visited", lambda _bench, limit: ARCHS[::-1][:limit])
    monkeypatch.setattr(materials, "_live", score_live)
    return live


def ask(bench, **changes):
    settings = {"proxies": ["params"], "seeds": [0], "batch_size": 64, "limit": None}
    return materials.scores(bench, **{**settings, "recompute": False, "profile": "full", **changes})


def test_published_scores_are_used_when_they_cover_the_page(bench, published, caplog):
    table = ask(bench)
    assert (len(table), table.attrs["origin"], published) == (20, "published with this project", [])
    assert caplog.text == ""


def test_a_limit_takes_the_architectures_that_a_sweep_visits_first(bench, published):
    assert sorted(ask(bench, limit=3)["arch"]) == ["a17", "a18", "a19"]
    assert published == []


@pytest.mark.parametrize(
    ("changes", "words", "scored"),
    [
        ({"seeds": [7]}, "the published scores have no seed 7", ([7], 64, 100, False)),
        ({"seeds": [0, 8], "limit": 5}, "the published scores have no seed 8", ([0, 8], 64, 5, False)),
        ({"batch_size": 16}, "none are published for a batch of 16", ([0], 16, 100, False)),
        ({"proxies": ["logdet"]}, "the published scores have no proxy logdet", ([0], 64, 100, False)),
        ({"recompute": True, "profile": "quick"}, "they are to be computed again", ([0], 64, 6, True)),
    ],
)
def test_what_is_not_published_is_scored_live_and_said(bench, published, caplog, changes, words, scored):
    with caplog.at_level(logging.WARNING, "zsnas.book.pages"):
        table = ask(bench, **changes)
    assert published == [scored]
    assert words in caplog.text
    assert words in table.attrs["origin"]
    assert set(table["seed"]) == set(changes.get("seeds", [0]))
    assert table["arch"].nunique() == min(20, scored[2])


def test_a_benchmark_without_published_scores_is_scored_live(bench, published, monkeypatch):
    def none(_name, _batch_size):
        raise FileNotFoundError

    monkeypatch.setattr(materials, "published_scores", none)
    assert "none are published for this benchmark" in ask(bench).attrs["origin"]
    assert published == [([0], 64, 100, False)]


@pytest.mark.usefixtures("published")
def test_repeated_are_the_architectures_of_all_seeds(bench, monkeypatch, tmp_path):
    monkeypatch.setattr(materials, "published_path", lambda _name: tmp_path)
    rows = materials.repeated(bench, ask(bench))
    assert sorted(set(rows["arch"])) == ARCHS[:4]
    assert len(rows) == 8
    own = pd.DataFrame({"arch": ["a0", "a1", "a1"], "seed": [3, 3, 4], "batch_size": 64})
    assert materials.repeated(bench, own)["arch"].tolist() == ["a1", "a1"]


@pytest.mark.usefixtures("published")
def test_over_seeds_are_the_correlations_of_the_architectures_that_all_have(bench, monkeypatch, tmp_path):
    monkeypatch.setattr(materials, "published_path", lambda _name: tmp_path)
    rows = materials.published_scores(bench.name, 64)
    rows.loc[rows.index[-1], "params"] = float("nan")  # one of the four was not measured with seed 1
    table = ask(bench)
    table["snip"] = 2.0  # which the published scores lack
    found = zsnas.correlations(bench, table, proxies=["params", "snip"], resamples=10)

    text = materials.across_seeds(bench, table, found, "toys", "tab-toys")

    assert "over all, toys: mean and standard deviation" in text
    assert "Seeds 0, 1; batch size 64" in text
    assert ":name: tab-toys" in text
    (row,) = (line for line in text.splitlines() if "#Params" in line and line.startswith("|"))
    assert row.rstrip(" |").endswith(" 3")


def test_with_one_seed_the_page_says_so(bench):
    own = pd.DataFrame({"arch": ["a0", "a1"], "seed": [7, 7], "batch_size": 8, "params": [1.0, 2.0]})
    text = materials.across_seeds(bench, own, pd.DataFrame(), "toys", "tab-toys")
    assert text == "The scores have one seed only, 7. The survey averages over five."


def test_where_nothing_is_published_for_the_batch_size_the_page_has_only_its_own_scores(bench):
    own = pd.DataFrame({"arch": ["a0", "a1"], "seed": [7, 7], "batch_size": 8})
    assert materials.repeated(bench, own)["arch"].tolist() == ["a0", "a1"]


def test_without_any_benchmark_the_page_takes_the_embedded_one(monkeypatch, caplog):
    def only_embedded(name):
        if name != materials.EMBEDDED:
            raise zsnas.SourceUnavailable("no such file")
        return name

    monkeypatch.setattr(zsnas.benchmarks, "benchmark", only_embedded)
    with caplog.at_level(logging.WARNING, "zsnas.book.pages"):
        assert materials.benchmarks("nb201/cifar100") == [materials.EMBEDDED]
    assert "goes without nb201/cifar100: no such file" in caplog.text
    assert f"embedded benchmark {materials.EMBEDDED} instead" in caplog.text


def test_a_benchmark_without_published_scores_is_left_out_and_said(bench, monkeypatch, tmp_path):
    other = dataclasses.replace(bench, name="toy/other")
    monkeypatch.setattr(materials, "published_path", lambda name: tmp_path / name.replace("/", "-"))
    both = [bench, other]
    assert materials.with_scores(both, recompute=False) == (both, "")  # scored live, as there is nothing else
    (tmp_path / "toy-data").touch()
    kept, absent = materials.with_scores(both, recompute=False)
    assert kept == [bench]
    assert absent.startswith("- `toy/other`: **not shown yet**, because none of its scores are published")
    assert "`zsnas sweep toy/other`" in absent
    assert materials.with_scores(both, recompute=True) == (both, "")
    (tmp_path / "toy-other").touch()
    assert materials.with_scores(both, recompute=False) == (both, "")


@pytest.mark.usefixtures("published")
def test_words_about_scores(bench):
    table = ask(bench)
    table.attrs |= {"batch_source": "toy images", "machine": "2 cores", "zsnas": "0.1", "torch": "2"}
    assert materials.describe(bench, table) == (
        "- `toy/data`: 20 architectures; 20 of them scored with seed 0, published with this project."
    )
    stand_in = dataclasses.replace(bench, name=materials.EMBEDDED)
    assert f"`{materials.EMBEDDED}`, which is embedded and stands in for" in materials.describe(
        stand_in, table
    )
    assert materials.made_with(table) == (
        "Scores published with this project; toy images; machine: 2 cores; zsnas 0.1, torch 2."
    )


def test_chosen_architectures_are_scored_live_where_nothing_is_published():
    bench = zsnas.benchmark(materials.EMBEDDED)
    chosen = list(bench.table["arch"][:2])
    settings = {"proxies": ["params", "flops"], "seeds": [3, 4], "batch_size": 2, "limit": None}

    table = materials.scores_of_some(bench, chosen, **settings, recompute=True)

    assert list(zip(table["seed"], table["arch"], strict=True)) == [(s, a) for s in (3, 4) for a in chosen]
    assert table.attrs["origin"].startswith("computed when this page was run, because they are to be")
    assert "torch " in materials.made_with(table)


@pytest.mark.usefixtures("published")
def test_published_scores_come_first_with_the_proxies_that_they_have(bench):
    settings = {"proxies": ["params", "fisher"], "seeds": [0], "batch_size": 64, "limit": None}

    table = materials.scores_of_some(bench, [], **settings, recompute=False)

    assert len(table) == len(bench.table)
    assert "fisher" not in table


@pytest.mark.slow
def test_scores_that_are_computed_again_survive_an_interruption(monkeypatch, tmp_path):
    monkeypatch.setattr(materials, "DATA", tmp_path / "data")
    bench = zsnas.benchmark(materials.EMBEDDED)
    settings = {"proxies": ["params"], "seeds": [0], "batch_size": 4, "recompute": True}

    def stopped(*arguments, **options):
        sweep(*arguments, **{**options, "limit": 2})
        raise KeyboardInterrupt

    sweep = materials.sweep
    monkeypatch.setattr(materials, "sweep", stopped)
    with pytest.raises(KeyboardInterrupt):
        materials._live(bench, count=3, **settings)
    (kept,) = (tmp_path / "_build" / "live" / "nb201-analog").glob("*.sqlite")
    with ScoreStore(kept) as store:
        assert len(store.scores()) == 2

    monkeypatch.setattr(materials, "sweep", sweep)
    assert len(materials._live(bench, count=3, **settings)) == 3
    assert not kept.exists()


def test_live_scores_are_those_of_a_sweep_and_start_from_nothing_when_recomputed():
    bench = zsnas.benchmark(materials.EMBEDDED)
    settings = {"proxies": ["params"], "seeds": [3], "batch_size": 2, "limit": 2, "profile": "quick"}
    table = materials.scores(bench, **settings, recompute=True)
    again = materials.scored_now(bench, table["arch"], ["params"], 3, 2)
    assert table["params"].tolist() == again["params"].tolist()
    assert list(again.columns) == ["arch", "seed", "params"]


@pytest.mark.parametrize(("seeds", "is_empty"), [([10**6], True), ([0, 10**6], False)])
def test_published_scores_are_read_into_a_live_store_only_where_they_help(monkeypatch, seeds, is_empty):
    bench, started = zsnas.benchmark("nb201-digits"), []

    def stopped(*_, store, **__):
        started.append(store.exists())
        raise KeyboardInterrupt

    monkeypatch.setattr(materials, "sweep", stopped)
    size = int(zsnas.scores(bench.name)["batch_size"].iloc[0])
    with pytest.raises(KeyboardInterrupt):
        materials._live(bench, ["params"], seeds, size, count=2, recompute=False)
    assert started == [is_empty]  # a store that is not there yet takes in what is published


def test_counts_are_those_of_the_images_and_targets_of_the_benchmark():
    bench = zsnas.benchmark(materials.EMBEDDED)
    pd.testing.assert_frame_equal(materials.counts(bench), zsnas.counting.counts(10, 32, "nb201"))


@pytest.mark.usefixtures("published")
def test_the_seeds_that_are_published(bench):
    assert materials.published_seeds(bench, 64) == {0, 1}
    assert materials.published_seeds(bench, 16) == set()


def test_the_smallest_networks_come_first(bench, monkeypatch):
    """Of several seeds each network counts once."""
    table = pd.DataFrame({"arch": ["a2", "a0", "a1", "a2"], "flops": [9.0, 3.0, 5.0, 9.0]})
    monkeypatch.setattr(materials, "published_scores", lambda _name: table)
    assert materials.smallest(bench) == ["a0", "a1", "a2"]


@pytest.mark.usefixtures("published")
def test_repeated_are_networks_of_the_benchmark(bench):
    part = dataclasses.replace(bench, table=bench.table[2:])
    again = materials.repeated(part, ask(part))
    assert sorted(again["arch"].unique()) == ["a2", "a3"]
    assert set(again["seed"]) == {0, 1}


def test_a_benchmark_is_known_when_it_and_its_scores_are_here(bench, monkeypatch, tmp_path):
    monkeypatch.setattr(materials, "published_path", lambda _name: tmp_path / "scores")
    monkeypatch.setattr(zsnas.benchmarks, "benchmark", lambda _name: bench)
    assert materials.known("toy/data") is None
    (tmp_path / "scores").touch()
    assert materials.known("toy/data") is bench

    def absent(name):
        raise zsnas.SourceUnavailable(name)

    monkeypatch.setattr(zsnas.benchmarks, "benchmark", absent)
    assert materials.known("toy/data") is None
