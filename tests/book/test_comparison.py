"""A study has what a page shows of a benchmark, and says what it cannot show."""

from dataclasses import replace

import pandas as pd
import pytest

from zsnas import statistics
from zsnas.benchmarks import Benchmark
from zsnas.book import comparison, tables, verdicts
from zsnas.book.comparison import Comparison, Pool

ARCHS = [f"a{i:02}" for i in range(40)]


def study_of(count, **settings):
    """Compare two proxies over `count` of 40 networks: #Params in the order of accuracy, #FLOPs reversed."""
    table = pd.DataFrame({"arch": ARCHS, "test_accuracy": [float(i) for i in range(40)]})
    bench = Benchmark("toy/data", table, space="toy", batch="toy", licence="none", citation="A toy")
    scores = pd.DataFrame({"arch": ARCHS[:count], "seed": 0, "batch_size": 64})
    scores = scores.assign(params=range(count), flops=range(count, 0, -1))
    scores.attrs |= dict.fromkeys(("origin", "batch_source", "machine", "zsnas", "torch"), "here")
    how = {"top": 0.5, "sampled_top": 1.0, "resamples": 50} | settings
    return Comparison({"Toy": Pool(bench, scores)}, ("params", "flops"), **how)


def test_the_correlations_are_those_of_the_statistics():
    study = study_of(40)

    expected = statistics.correlations(
        *study.pools["Toy"], proxies=["params", "flops"], top=0.5, sampled_top=1.0, resamples=50
    )

    pd.testing.assert_frame_equal(study.correlations["Toy"], expected)
    assert list(study.kendall("Toy")["value"]) == [1.0, -1.0]


def test_the_finding_names_the_best_over_all_and_at_the_top(monkeypatch):
    monkeypatch.setattr(comparison, "ENOUGH", 20)  # the top has 20

    assert study_of(40).finding("Toy") == (
        "On Toy #Params has the highest Kendall's τ over all, 1.00 [1.00,\N{NO-BREAK SPACE}1.00], and "
        "#Params has the highest Kendall's τ over the top 50\N{NO-BREAK SPACE}%, "
        "1.00 [1.00,\N{NO-BREAK SPACE}1.00]. "
        "For 0 of 2 proxies Kendall's τ is lower over the top 50\N{NO-BREAK SPACE}% than over all."
    )


def test_a_finding_needs_enough_networks():
    assert "too few networks are behind the top 50\N{NO-BREAK SPACE}% to say" in study_of(40).finding("Toy")
    assert study_of(12).finding("Toy") == "On Toy too few networks are scored to say which ranks best."


def test_nothing_ranks_best_whose_interval_reaches_zero(monkeypatch):
    monkeypatch.setattr(comparison, "ENOUGH", 20)

    finding = study_of(40).of(["flops"]).finding("Toy")

    assert finding.startswith(
        "On Toy no proxy has a Kendall's τ over all that is above 0 with its whole interval, and no proxy has"
    )


def test_without_networks_of_the_top_nothing_is_said_of_it():
    study = study_of(12)

    assert "Of the 20 architectures of the top 50\N{NO-BREAK SPACE}%, none are." in study.sample().data


def test_the_sample_says_how_much_of_the_top_there_is():
    assert (
        "The complete top 50\N{NO-BREAK SPACE}% is among them: 20 architectures."
        in study_of(40).sample().data
    )
    assert "Of the 20 architectures of the top 50\N{NO-BREAK SPACE}%, 5 are." in study_of(25).sample().data


@pytest.mark.parametrize("show", ["dumbbells", "numbers", "seeds"])
def test_too_few_networks_are_said_to_be_too_few(show):
    study = study_of(4)

    shown = getattr(study, show)(*(("Toy",) if show == "dumbbells" else ("Toy", "tab-toy")))

    assert shown.data == "Too few networks of Toy are scored here to correlate: 4."


def test_a_page_of_too_few_networks_says_so_everywhere():
    study = study_of(4)

    assert study.caption("Toy") == ""
    assert study.finding("Toy") == "On Toy too few networks are scored to say which ranks best."
    assert study.enough("Toy") == []
    assert set(study.taus("Toy")) == {tables.interval(float("nan"), float("nan"), float("nan"))}
    assert study.most_changed("Toy") == "params"
    assert study.seed_answer("Toy") == "Too few networks are scored to say."
    verdict = study.judge(verdicts.works_best, "#Params is best.", "here")
    assert (verdict.outcome, verdict.because) == ("cannot be compared", "Too few networks are scored.")


def test_a_proxy_of_few_networks_is_not_compared_with_the_others():
    study = study_of(40)
    study.pools["Toy"].scores.loc[11:, "flops"] = float("nan")

    assert study.kendall("Toy")["n"].to_dict() == {"params": 40, "flops": 11}
    assert study.enough("Toy") == ["params"]


def test_the_taus_are_in_the_order_of_the_proxies():
    study = study_of(40).of(["flops", "params"])

    assert list(study.taus("Toy").index) == ["flops", "params"]
    assert study.taus("Toy")["params"] == "1.00 [1.00,\N{NO-BREAK SPACE}1.00]"


def test_parts_of_a_pool_are_compared_within():
    """In the first half the order by #FLOPs is reversed, so that only the halves hide it."""
    study = study_of(40)
    scores = study.pools["Toy"].scores
    scores["flops"] = [*range(20, 0, -1), *range(21, 41)]
    first = scores["arch"] < "a20"

    halves = study.split("Toy", {"first": first, "second": ~first})

    assert halves.labels == ["first (20)", "second (20)"]
    assert halves.kendall("first (20)")["value"].to_dict() == {"params": 1.0, "flops": -1.0}
    assert halves.kendall("second (20)")["value"].to_dict() == {"params": 1.0, "flops": 1.0}


def test_the_proxy_that_loses_most_at_the_top():
    """Both rank all but the top; of the top, #FLOPs has the reversed order."""
    study = study_of(40)
    study.pools["Toy"].scores["flops"] = [*range(20), *range(40, 20, -1)]

    assert study.most_changed("Toy") == "flops"


def test_a_scatter_shows_one_seed_and_says_what_it_is_of():
    study = study_of(40)
    again = study.pools["Toy"].scores.assign(seed=1)
    both = Pool(study.pools["Toy"].bench, pd.concat([study.pools["Toy"].scores, again], ignore_index=True))
    study = replace(study, pools={"Toy": both})

    assert study.scatter_caption("Toy", "flops").startswith("n = 40 architectures; seed 0; batch size 64.")
    assert study.scatter("Toy", "flops").data.count("<svg") == 1


def test_a_verdict_in_a_line_and_whole():
    verdict = study_of(40).judge(verdicts.works_best, "#Params is best.", "Section 1")

    assert comparison.short(verdict).data == "- **Agrees**: #Params is best. (Section 1)"
    assert comparison.judged(verdict, verdict).data == f"{verdict.markdown()}\n{verdict.markdown()}"


def test_what_is_said_reaches_the_prose(monkeypatch):
    said = {}
    monkeypatch.setattr("myst_nb.glue", lambda name, value, display: said.update({name: (value, display)}))

    comparison.say(most_changed="#FLOPs", n=40)

    assert said == {"most-changed": ("#FLOPs", False), "n": (40, False)}


def test_a_verdict_gets_the_correlations_and_the_differences_of_its_reference():
    study = study_of(40)

    verdict = study.judge(verdicts.works_best, "#Params is best.", "here")

    assert verdict == verdicts.works_best("#Params is best.", "here", study.correlations, study.differences())
    assert verdict.outcome == "agrees"
    worst = study.judge(verdicts.works_best, "#FLOPs is best.", "here", reference="flops")
    assert worst.outcome == "differs"


def test_what_stands_in_for_a_benchmark_is_not_judged(monkeypatch):
    monkeypatch.setattr(comparison.materials, "EMBEDDED", "toy/data")

    verdict = study_of(40).judge(verdicts.works_best, "#Params is best.", "here")

    assert verdict.outcome == "cannot be compared"


def test_a_proxy_of_few_networks_is_compared_on_these():
    study = study_of(40)
    study.pools["Toy"].scores["gradsign"] = [float(i) if i % 2 else float("nan") for i in range(40)]

    lines = study.beside("gradsign", "params").data.splitlines()

    assert lines[0].startswith("- Toy, all: Kendall's τ of GradSign 1.00")
    assert lines[0].endswith("n = 20.")
    assert study.beside("snip", "params").data == "- Toy: SNIP is not scored here."


def test_one_seed_answers_nothing(monkeypatch):
    monkeypatch.setattr(comparison.materials, "repeated", lambda _bench, table: table)

    assert "one seed only" in study_of(40).seed_answer("Toy")


def test_the_seed_is_compared_with_the_choice_of_architectures(monkeypatch):
    """With seed 1 two neighbours change places by #FLOPs, which moves its τ by 4 of 1,560 pairs."""
    study = study_of(40)
    again = study.pools["Toy"].scores.assign(seed=1, flops=[39, 40, *range(38, 0, -1)])
    both = pd.concat([study.pools["Toy"].scores, again], ignore_index=True)
    monkeypatch.setattr(comparison.materials, "repeated", lambda *_: both)

    assert study.seed_answer("Toy") == (
        "40 architectures have 2 seeds. The seed moves #FLOPs most, by 0.002. "
        "For 0 of the 1 proxies that look at a seed it matters less than the choice of architectures."
    )


def test_pools_stand_side_by_side():
    study = study_of(40)
    study = replace(study, pools={"One": study.pools["Toy"], "Few": study_of(4).pools["Toy"]})

    rows = study.side_by_side("Taus.", "tab-taus").data.splitlines()

    assert rows[3] == "| Proxy | One | Few |"
    assert rows[5] == "| #Params, {eq}`eq-params` | 1.00 [1.00,\N{NO-BREAK SPACE}1.00] | – |"


def test_what_a_verdict_does_not_ask_for_is_not_computed(monkeypatch):
    def fail(*_args, **_settings):
        raise AssertionError

    monkeypatch.setattr(statistics, "correlations", fail)
    monkeypatch.setattr(statistics, "differences", fail)

    def is_so(statement: str, place: str, n: int) -> verdicts.Verdict:
        return verdicts.Verdict(statement, place, "agrees", f"It is {n}.")

    assert study_of(40).judge(is_so, "It is two.", "here", 2).because == "It is 2."


def test_networks_are_compared_among_others_with_a_truth_of_their_own():
    """Of 30 scored networks the second part has ten, which a second metric ranks the other way round."""
    study = study_of(30)
    bench = study.pools["Toy"].bench
    table = bench.table.assign(validation_accuracy=-bench.table["test_accuracy"])
    late = replace(bench, table=table[20:], metric="validation_accuracy")

    parts = study.among({"all": bench, "late": late})

    assert {label: len(pool.bench.table) for label, pool in parts.pools.items()} == {"all": 30, "late": 10}
    assert parts.kendall("all")["value"].to_dict() == {"params": 1.0, "flops": -1.0}
    assert parts.kendall("late")["value"].to_dict() == {"flops": 1.0, "params": -1.0}
    assert list(parts.on("late").pools) == ["late"]


def test_panels_show_one_seed_of_every_network():
    study = study_of(12)

    drawn = study.panels("Toy", dict.fromkeys(ARCHS, "toys"))

    assert drawn.data.count("<svg") == 1
    assert "Scatter plots of 12 networks, one panel a proxy" in drawn.data
    assert study.scatter_caption("Toy").startswith("n = 12 architectures; seed 0")
    assert "to correlate: 4." in study_of(4).panels("Toy", {}).data


def test_the_distance_from_the_ceiling_is_in_thousandths():
    study = study_of(12)
    assert study.ceiling("Toy") == "Jacob_cov is not scored in this execution."
    study.pools["Toy"].scores["jacob_cov"] = [-64 - k / 1000 for k in range(1, 13)]
    assert study.ceiling("Toy") == (
        "The 12 scores here lie 1.0 to 12.0 thousandths below it, half of them less than 6.5."
    )
    study.pools["Toy"].scores.loc[4:, "jacob_cov"] = float("nan")
    assert study.ceiling("Toy") == (
        "Jacob_cov is scored for 4 networks here, too few to say how close they are."
    )


def test_the_truth_spans_less_at_the_top():
    assert study_of(40).spans("Toy") == {"range": "39", "top_range": "19.0", "top_levels": 20}


def test_leads_are_the_differences_from_each_reference():
    """#FLOPs has the reversed order of #Params, so that Spearman's ρ is −1 − 1 below."""
    study = study_of(40)

    text = study.leads("Toy", ["params"], "tab-toy")

    assert ":name: tab-toy" in text
    assert text.count("| #FLOPs, {eq}`eq-flops` | −2.00 [−2.00,\N{NO-BREAK SPACE}−2.00] |") == 1
    assert "| #Params" not in text


def test_a_verdict_gets_the_differences_from_several_references():
    def ahead(_statement, _place, by_reference, references):
        assert references == ["params", "flops"]
        return {name: list(found) for name, found in by_reference.items()}

    ahead.__annotations__ = {"by_reference": dict}
    found = study_of(40).judge(ahead, "S.", "P", references=["params", "flops"])

    assert found == {"params": ["Toy"], "flops": ["Toy"]}


def test_a_page_shows_a_table_with_its_caption_and_its_legend():
    rows = pd.DataFrame({"τ": ["0.5"]}, pd.Index(["SNIP"], name="Proxy"))
    shown = comparison.table(rows, "Correlation.", "tab-one", "left", legend="One seed.")
    assert shown.data.splitlines()[:5] == [
        ":::{table} Correlation.",
        ":name: tab-one",
        "",
        "| Proxy | τ |",
        "| :-- | :-- |",
    ]
    assert shown.data.endswith(":::{legend}\nOne seed.\n:::")
