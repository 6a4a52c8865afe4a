"""A row of the survey's table beside the first places of forty toy networks."""

import pandas as pd
import pytest

from zsnas import statistics
from zsnas.benchmarks import Benchmark
from zsnas.book.studies import first_places

ARCHS = [f"a{i:02}" for i in range(80)]
PRINTED = {"ground_truth": 79.0, "params": 70.0, "flops": 79.0, "snip": 41.0, "gradsign": 5.0}


class Names:
    """A space in which every name is a network of its own."""

    canonical = staticmethod(str)


@pytest.fixture
def row_of(monkeypatch):
    """Rank eighty networks of accuracy 0 to 79: #Params and #FLOPs in its order, SNIP against it."""
    table = pd.DataFrame({"arch": ARCHS, "test_accuracy": [float(i) for i in range(80)]})
    bench = Benchmark("toy/data", table, "toy", "toy", licence="none", citation="none")
    printed = pd.DataFrame({"benchmark": "toy/data", "proxy": PRINTED.keys(), "value": PRINTED.values()})
    monkeypatch.setattr(first_places, "printed", lambda: printed)
    monkeypatch.setattr(first_places.behind, "space", lambda _name: Names)
    nothing_new = pd.DataFrame({"arch": [], "snip": []})
    monkeypatch.setattr(first_places.behind.materials, "scored_now", lambda *_: nothing_new)
    monkeypatch.setattr(
        first_places.behind.materials, "counts", lambda _bench: scores.rename(columns={"seed": "old"})
    )
    scores = pd.DataFrame(
        {"arch": ARCHS, "seed": 0, "batch_size": 8, "params": range(80), "flops": range(80)}
    )
    scores = scores.assign(snip=range(80, 0, -1))

    def of(count):
        chosen = scores[-count:].reset_index(drop=True)
        chosen.attrs |= dict.fromkeys(("origin", "batch_source", "machine", "zsnas", "torch"), "here")
        of_all = statistics.best_by_proxy(bench, scores, first_places.COUNTS)
        of_candidates = statistics.best_by_proxy(bench, chosen, [*first_places.COUNTS, "snip"])
        return first_places.Row(bench, chosen, chosen, of_all, of_candidates, few=2)

    return of


def test_exact_cells_are_judged_by_their_digits_and_others_by_who_is_behind(row_of):
    row = row_of(40)  # a40 to a79, of which SNIP ranks a40 first

    verdicts = {name: row.verdict(name) for name in (*PRINTED, "logdet")}

    assert verdicts == {
        "ground_truth": "agrees",
        "params": "differs",
        "flops": "agrees",
        "snip": "differs",  # a41 has this number, and a40 is ahead of it
        "gradsign": "cannot be compared",
        "logdet": "–",
    }


def test_the_row_is_written_with_all_that_the_survey_prints(row_of):
    lines = [line.strip("| ").split(" | ") for line in row_of(40).table("Toy", "tab-toy").splitlines()]
    cells = {line[0]: line[1:] for line in lines if len(line) > 1}

    assert cells["Ground truth"] == ["79.00", "79.00", "0.00", "1", "80", "0", "agrees"]
    assert cells["GradSign"] == ["5.00", *"–––––", "cannot be compared"]
    assert cells["#Params"][-1] == "–"  # the one among the candidates, beside that of the whole space


def test_the_finding_names_the_nearest_and_the_furthest(row_of):
    assert row_of(40).finding("Toy") == (
        "On Toy, of 40 random networks, the first one by #Params and #FLOPs is nearest to the best of the "
        "space, 0.00 points below it, and the first one by SNIP is furthest, 39.00. "
        "The network with the most parameters of all is 0.00 below."
    )
    assert row_of(80).finding("Toy").startswith("On Toy, of all 80 networks, ")
    assert row_of(29).finding("Toy") == (
        "On Toy only 29 networks compete, too few to say whose first place is good."
    )


def test_distances_have_the_counts_twice_and_the_survey_once(row_of):
    found = row_of(40).distances()

    assert list(found.index) == ["#Params, all", "#FLOPs, all", "#Params", "#FLOPs", "SNIP"]
    assert found["survey"].fillna(-1).to_list() == [9.0, 0.0, -1.0, -1.0, 38.0]
    assert found["low"].notna().to_list() == [False, False, True, True, True]
    assert row_of(80).distances()["low"].isna().all()


def test_where_all_are_scored_all_are_known_of_the_whole_space(row_of):
    assert set(row_of(80).whole["proxy"]) == {"params", "flops", "snip"}
    assert row_of(80).sample.empty
    assert set(row_of(40).whole["proxy"]) == {"params", "flops"}
    assert row_of(40).known.set_index("proxy")["reached"].to_dict() == {"params": 79, "flops": 79, "snip": 40}


def test_facts_are_of_the_data_set(row_of):
    facts = row_of(40).facts("Toy")

    assert all(fact.startswith("- Toy: ") for fact in facts)
    assert "the most #Params, `a79`, has 79.00, and the survey prints 70.00" in facts[0]
    assert facts[-1] == "- Toy: first places that several candidates share: none."


def test_one_seed_tells_nothing_of_seeds(row_of, monkeypatch):
    row = row_of(40)
    monkeypatch.setattr(first_places.materials, "repeated", lambda _bench, table: table)
    monkeypatch.setattr(first_places, "candidates", lambda _bench, table, _limit: table)
    assert row.over_seeds("Toy", None, "t") == (
        "- Toy: 0 networks are scored with several seeds, too few to say."
    )
    again = row.scores.assign(seed=1, snip=[*range(39, 79), 80][:40])
    both = pd.concat([row.scores, again], ignore_index=True)
    monkeypatch.setattr(first_places.materials, "repeated", lambda _bench, _table: both)

    assert row.over_seeds("Toy", None, "t").endswith(
        "The seed changes the choice of 1 of the 3 proxies on Toy."
    )


def test_who_is_behind_is_written_row_by_row(row_of):
    text = first_places.behind_table({"Toy": row_of(40)}, "tab-behind")

    assert "| SNIP, Toy | 41.00 | 1 | 1 of 39 | differs |" in text
    assert "first places that several candidates share" in text


def test_the_survey_has_six_rows_of_accuracies_and_tasks():
    table = first_places.printed()
    assert table["benchmark"].nunique() == 7
    assert (table["benchmark"].value_counts() == 11).all()
