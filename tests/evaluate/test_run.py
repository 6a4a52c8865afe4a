import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import command_line
import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from zsnas import benchmarks as benchmarks_module
from zsnas.batches import Batch
from zsnas.benchmarks import Benchmark, matching_benchmarks
from zsnas.evaluate import evaluate
from zsnas.evaluate import page as evaluation_page
from zsnas.evaluate import run as run_module
from zsnas.proxies import ProxyFileError
from zsnas.scores import sweep as sweep_module
from zsnas.sources import SourceUnavailable

pytestmark = pytest.mark.usefixtures("own_register")

# The more accurate architectures have more weights; 2i and 2i + 1 are isomorphic.
ARCHITECTURES = tuple(f"arch{i:02}" for i in range(80))
IMAGES = "tiny images"
PROXIES = """
import zsnas
from zsnas.proxies import Undefined

FIELDS = {"higher_is_better": True, "kind": "gradient-free", "target": ()}


@zsnas.register(label="Width", **FIELDS)
def width(passes):
    return passes.weights[0].numel()


@zsnas.register(label="<Never>", **FIELDS)
def never(passes):
    raise Undefined("it has & gives nothing")
"""


class TinySpace:
    architectures = ARCHITECTURES

    def index(self, arch):
        return ARCHITECTURES.index(arch)

    def canonical(self, arch):
        return ARCHITECTURES[self.index(arch) // 2 * 2]

    def build_for(self, arch, batch, seed):
        built.append((arch, seed))
        model = nn.Sequential(nn.Conv2d(3, 1 + self.index(arch), 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        return model.append(nn.Linear(1 + self.index(arch), batch.num_classes))

    def images_for(self, _arch, batch):
        return batch


built = []


def truth(name):
    accuracy = np.arange(80.0)
    table = pd.DataFrame({"arch": ARCHITECTURES, "test_accuracy": accuracy})
    return Benchmark(name, table, space="tiny", batch="tiny", licence="none", citation="Nobody, 1999")


def batch(_name, size, seed, **_):
    generator = torch.Generator().manual_seed(seed)
    return Batch(torch.randn(size, 3, 4, 4, generator=generator), torch.arange(size) % 2, 2, IMAGES)


def published(seeds=(0,), source=IMAGES):
    """Return scores of all but ten architectures: #Params is right, SynFlow wrong, SNIP half there."""
    seconds = [(arch, seed) for seed in seeds for arch in ARCHITECTURES[10:]]
    table = pd.DataFrame(seconds, columns=["arch", "seed"]).assign(batch_size=4)
    place = table["arch"].str[4:].astype(float)
    table = table.assign(
        params=place, synflow=-place, snip=place.where(place > 40), logdet=place, reasons=None
    )
    table.loc[table["arch"] == "arch79", "logdet"] = math.nan
    table.loc[table["arch"] == "arch79", "reasons"] = json.dumps({"logdet": "singular"})
    table.loc[table["arch"] == "arch30", "reasons"] = json.dumps({"snip": "not measured: no memory"})
    table.attrs = {"batch_source": source, "zsnas": "0.0.9", "torch": "2.0"}
    return table


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """Put a tiny benchmark in the place of the real ones; its attributes can be changed by a test."""
    world = SimpleNamespace(scores=published(), benchmark=truth, names=["tiny/a"])
    monkeypatch.setattr(sweep_module, "space", lambda _: TinySpace())
    for module in (run_module, sweep_module):
        monkeypatch.setattr(module, "batch", batch)
    monkeypatch.setattr(run_module, "benchmark", lambda name: world.benchmark(name))  # noqa: PLW0108
    sweep_module._batch.cache_clear()
    monkeypatch.setattr(run_module, "scores", lambda _: world.scores)
    monkeypatch.setattr(
        run_module,
        "published_path",
        lambda _: SimpleNamespace(exists=lambda: world.scores is not None),
    )
    monkeypatch.setattr(
        benchmarks_module,
        "list_benchmarks",
        lambda pattern="*": [name for name in world.names if pattern in ("*", name, "tiny/*")],
    )
    monkeypatch.setattr(run_module, "QUICK", 3)
    monkeypatch.setattr(run_module, "RESAMPLES", 50)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(PROXIES)
    built.clear()
    yield world
    sweep_module._batch.cache_clear()


def run(benchmarks=("tiny",), **settings):
    return evaluate("mine.py", benchmarks, progress=False, **settings)


def value(result, proxy, statistic="KT", subset="all", column="value"):
    rows = result.correlations.set_index(["proxy", "statistic", "subset"])
    return rows.loc[(proxy, statistic, subset), column]


@pytest.mark.usefixtures("tiny")
def test_quick_draws_from_the_top_and_from_the_rest_of_what_is_published():
    (result,) = run().results

    drawn = set(result.scores["arch"])
    assert len(drawn) == 6
    assert len(drawn & set(ARCHITECTURES[76:])) == 3
    assert not drawn & set(ARCHITECTURES[:10])
    assert drawn == set(run().results[0].scores["arch"])


@pytest.mark.usefixtures("tiny")
def test_another_number_of_networks_has_half_of_them_from_the_top_and_those_of_fewer():
    few, many = (run(networks=count) for count in (4, 7))
    drawn, fewer = (set(found.results[0].scores["arch"]) for found in (many, few))

    assert len(drawn & set(ARCHITECTURES[76:])) == 3
    assert (len(drawn), len(fewer)) == (6, 4)
    assert fewer < drawn
    assert evaluation_page.command(many).endswith("--profile quick --networks 7")
    spaced = replace(many, file=Path("my proxy.py"))
    assert evaluation_page.command(spaced).startswith("zsnas evaluate 'my proxy.py' --benchmarks tiny/a")


@pytest.mark.usefixtures("tiny")
def test_numbers_of_networks_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="networks is 3; it must be a whole number, at least 4"):
        run(networks=3)
    with pytest.raises(ValueError, match='"full" takes all that have published scores'):
        run(profile="full", networks=8)


@pytest.mark.usefixtures("tiny")
def test_scores_are_those_of_the_canonical_network_and_stand_beside_the_published_ones():
    (result,) = run().results

    for row in result.scores.to_dict("records"):
        index = int(row["arch"][4:])
        assert row["width"] == 3 * (1 + index // 2 * 2)
        assert row["params"] == index
    assert {seed for _, seed in built} == {0}
    assert len(built) == len(set(built)) == len({int(arch[4:]) // 2 for arch in result.scores["arch"]})


@pytest.mark.usefixtures("tiny")
def test_a_proxy_of_one_gradient_costs_each_network_one_pass_each_way(monkeypatch, tmp_path):
    passes = []
    forward, backward = nn.Linear.forward, torch.autograd.grad
    monkeypatch.setattr(nn.Linear, "forward", lambda *a: passes.append("forward") or forward(*a))
    monkeypatch.setattr(
        torch.autograd, "grad", lambda *a, **k: passes.append("backward") or backward(*a, **k)
    )
    (tmp_path / "mine.py").write_text(COPIES)
    run()
    assert (passes.count("forward"), passes.count("backward")) == (len(built), len(built))
    assert len(built) <= 2 * run_module.QUICK


def test_the_help_and_the_page_say_how_many_networks_the_quick_profile_takes(capsys):
    words = " ".join(command_line.run(capsys, "evaluate", "--help")[1].split())
    page = (Path(__file__).parents[2] / "book" / "your_own_proxy.md").read_text(encoding="utf-8")
    assert f"quick: at most {2 * run_module.QUICK} architectures a benchmark" in words
    assert f"up to {run_module.QUICK} architectures of the top 5 % and {run_module.QUICK} of the rest" in page


@pytest.mark.usefixtures("tiny")
def test_correlations_are_of_the_same_networks_and_in_order():
    (result,) = run().results

    assert value(result, "params") == 1
    assert value(result, "synflow", "SPR") == -1
    assert value(result, "width") > 0.7
    assert value(result, "width", column="n") == value(result, "params", column="n") == 6
    assert value(result, "width", subset="top", column="n") == 3
    assert result.ranked.index("params") < result.ranked.index("width") < result.ranked.index("synflow")
    assert result.ranked[-1] == "never"


@pytest.mark.usefixtures("tiny")
def test_reasons_are_counted():
    (result,) = run().results

    assert result.reasons == {"width": {}, "never": {"it has & gives nothing": 6}}
    assert (value(result, "never", column="n"), value(result, "never", column="missing")) == (0, 6)
    assert list(evaluation_page.reasons(result)) == [
        "never is NaN on 6 of 6 networks: it has & gives nothing"
    ]


@pytest.mark.usefixtures("tiny")
def test_a_note_is_told_and_leaves_the_score_a_score(tmp_path, capsys):
    (tmp_path / "mine.py").write_text(
        PROXIES.replace("def width(passes):", "def width(passes):\n    passes.note('wide')")
    )
    (result,) = evaluate("mine.py", ("tiny",)).results

    assert result.reasons["width"] == {"note: wide": 6}
    assert (value(result, "width", column="n"), value(result, "width", column="missing")) == (6, 0)
    assert next(evaluation_page.reasons(result)) == "width on 6 of 6 networks: note: wide"
    assert "width: note: wide" in capsys.readouterr().err


def test_an_undefined_published_score_is_missing_not_partial(tiny):
    tiny.scores = published()[lambda t: t["arch"].isin(["arch79", "arch78", "arch50", "arch51"])]
    (result,) = run().results

    assert value(result, "logdet", column="missing") == 1
    assert json.loads(result.scores.set_index("arch").loc["arch79", "reasons"]) == {
        "never": "it has & gives nothing",
        "logdet": "singular",
    }


def test_a_proxy_that_is_published_for_some_of_the_networks_is_left_out_and_named(tiny):
    tiny.scores = published()[lambda t: t["arch"].isin(["arch79", "arch78", "arch30", "arch31"])]
    (result,) = run().results

    assert "snip" not in set(result.correlations["proxy"])
    assert result.notes == ("left out, because not all of these 4 networks have a published score: snip (2)",)


def test_full_takes_every_published_row(tiny):
    tiny.scores = published(seeds=(0, 3))
    (result,) = run(profile="full").results

    assert (len(result.scores), result.seeds) == (140, [0, 3])
    assert {seed for _, seed in built} == {0, 3}
    assert value(result, "params", column="seeds") == 2


def test_quick_takes_one_seed(tiny):
    tiny.scores = published(seeds=(3, 0))
    assert run().results[0].seeds == [0]


@pytest.mark.usefixtures("tiny")
def test_a_second_run_computes_nothing_and_a_changed_file_everything(tmp_path):
    first = run().results[0].scores
    count = len(built)
    pd.testing.assert_frame_equal(run().results[0].scores, first)
    assert len(built) == count

    (tmp_path / "mine.py").write_text(PROXIES.replace("numel()", "numel() * 2"))
    assert run().results[0].scores["width"].tolist() == (2 * first["width"]).tolist()
    assert len(built) == 2 * count

    run(recompute=True)
    assert len(built) == 3 * count


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize(("where", "version"), [(torch, "__version__"), (run_module, "__version__")])
def test_another_version_of_torch_or_of_the_package_scores_anew(monkeypatch, where, version):
    run()
    count = len(built)
    monkeypatch.setattr(where, version, "9.9")
    run()
    assert len(built) == 2 * count


@pytest.mark.usefixtures("tiny")
def test_a_stopped_run_says_so_and_goes_on(monkeypatch):
    whole = sweep_module.run_job
    calls = []

    def stopping(job, limit):
        calls.append(job)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return whole(job, limit)

    monkeypatch.setattr(sweep_module, "run_job", stopping)
    message = r"stopped: 3 of 6 networks of tiny/a are in .*\.sqlite; the same command resumes"
    with pytest.raises(KeyboardInterrupt, match=message):
        run()
    assert len(run().results[0].scores) == 6
    assert len(built) == len(set(built))


@pytest.mark.usefixtures("tiny")
def test_the_first_reason_is_told_at_once(capsys):
    evaluate("mine.py", ["tiny"], progress=True)

    assert capsys.readouterr().err.count("tiny/a: never is NaN: it has & gives nothing\n") == 1


@pytest.mark.parametrize("scores", [None, published(source="other images")])
def test_without_published_scores_of_these_images_baselines_are_measured(tiny, scores):
    tiny.scores = scores
    (result,) = run(benchmarks=["tiny/a"]).results

    weights = {row["arch"]: row["params"] for row in result.scores.to_dict("records")}
    assert all(
        count == 4 * (i + 1) + 2 * (i + 2) for i, count in ((int(a[4:]), n) for a, n in weights.items())
    )
    assert set(result.correlations["proxy"]) == {"width", "never", *run_module.BASELINES}
    assert "there are no published scores of these images: params, flops" in result.notes[0]
    count = len(built)
    run(benchmarks=["tiny/a"])
    assert len(built) == count


def test_only_the_benchmarks_that_are_named_are_evaluated_each_once(tiny):
    tiny.names = ["tiny/a", "tiny/b"]
    assert [result.bench.name for result in run(benchmarks=["tiny/b", "tiny/b"]).results] == ["tiny/b"]


def test_names_of_real_benchmarks():
    named = matching_benchmarks

    assert named(["nb201"]) == ["nb201/cifar10", "nb201/cifar100", "nb201/imagenet16-120"]
    assert named(["nb201*/cifar100", "nb201-analog"]) == ["nb201/cifar100", "nb201-analog/cifar10"]
    with pytest.raises(ValueError, match=r"unknown benchmark 'nb201/cifar'; did you mean 'nb201/cifar10'"):
        named(["nb201/cifar"])


def test_without_any_truth_table_the_embedded_benchmark_takes_its_place(tiny):
    def unavailable(name):
        if name != run_module.EMBEDDED:
            raise SourceUnavailable(name)
        return truth(name)

    tiny.benchmark = unavailable
    evaluation = run()
    assert [result.bench.name for result in evaluation.results] == ["nb201-analog/cifar10"]
    assert evaluation.notes == (
        "tiny/a is left out: its truth table is not here (zsnas data fetch)",
        "nb201-analog/cifar10, which comes with the package, takes the place of what is not here",
    )


def test_what_is_absent_does_not_stop_the_others(tiny):
    def unavailable(name):
        if name == "tiny/a":
            raise SourceUnavailable(name)
        return truth(name)

    tiny.names, tiny.benchmark = ["tiny/a", "tiny/b"], unavailable
    evaluation = run()
    assert [result.bench.name for result in evaluation.results] == ["tiny/b"]
    assert len(evaluation.notes) == 1


def test_a_benchmark_without_accuracy_is_refused(tiny):
    tiny.scores = None
    tiny.benchmark = lambda name: replace(truth(name), metric="", space="", batch="")
    with pytest.raises(ValueError, match="'tiny/a' has latencies only"):
        run(benchmarks=["tiny/a"])


@pytest.mark.usefixtures("tiny")
def test_one_benchmark_stands_for_a_list_of_one():
    assert [result.bench.name for result in run(benchmarks="tiny/a").results] == ["tiny/a"]


@pytest.mark.usefixtures("tiny")
def test_wrong_arguments():
    with pytest.raises(ValueError, match="benchmarks are asked for by their names, not by None"):
        run(benchmarks=None)
    with pytest.raises(ValueError, match="unknown profile 'fast'; valid are quick, full"):
        run(profile="fast")
    with pytest.raises(ProxyFileError, match=r"there is no file 'nowhere\.py'"):
        evaluate("nowhere.py")


@pytest.mark.usefixtures("tiny")
def test_verdicts_compare_with_the_number_of_parameters():
    (result,) = run().results
    width, never = evaluation_page.verdicts(result)

    assert re.fullmatch(
        r"Width has Kendall’s τ \d\.\d\d \[.*\] over all architectures, place \d of 5, "
        r"and .* over the top 5 %; its τ over all minus that of #Params is −?0\.\d\d \[.*\]: .*",
        width,
    )
    assert never == "<Never> has no score on any of these networks."


@pytest.mark.usefixtures("tiny")
def test_a_difference_is_told_only_when_its_interval_excludes_zero():
    (result,) = run().results

    def against(low, value, high):
        row = {"proxy": "width", "statistic": "KT", "contrast": "reference"}
        table = pd.DataFrame([{**row, "value": value, "low": low, "high": high}])
        shown = SimpleNamespace(differences=table)
        return evaluation_page._against_params(shown, "width").rpartition(": ")[2]

    assert against(0.1, 0.2, 0.3) == "it ranks better than #Params"
    assert against(-0.3, -0.2, -0.1) == "it ranks worse than #Params"
    assert against(-0.1, 0.1, 0.3) == "these networks do not tell the two apart"
    assert "#Params" in next(iter(evaluation_page.verdicts(result)))


class Elements(HTMLParser):
    """Collects the attributes of every element, and checks that elements are closed in order."""

    def __init__(self, page):
        super().__init__()
        self.attributes, self.open = [], []
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.attributes += [(tag, *attribute) for attribute in attributes]
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.attributes += [(tag, *attribute) for attribute in attributes]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture
def page(tiny):
    tiny.names = ["tiny/a", "tiny/b"]
    return evaluation_page.page(run())


def test_the_page_is_self_contained_and_its_identifiers_are_unique(page):
    attributes = Elements(page).attributes

    links = [value for _, name, value in attributes if name in ("src", "href", "xlink:href")]
    assert all(link.startswith("#") for link in links)
    identifiers = [value for _, name, value in attributes if name == "id"]
    assert len(identifiers) == len(set(identifiers)) > 0
    assert {link[1:] for link in links} <= set(identifiers)
    assert ("meta", "content", "width=device-width, initial-scale=1") in attributes


def test_the_page_has_a_figure_with_alternative_text_for_each_benchmark(page):
    labels = [v for tag, name, v in Elements(page).attributes if (tag, name) == ("svg", "aria-label")]

    assert len(labels) == 2
    assert all("Dots with intervals" in label and "Width has Kendall’s τ" in label for label in labels)
    assert page.count("<figcaption>Width, &lt;Never&gt; in bold. n = ") == 2


def test_the_page_marks_the_users_rows_and_escapes_what_they_wrote(page):
    yours = re.findall(r'<tr class="yours"><th scope="row" title="\w+">(.*?)</th>', page)

    assert sorted(yours) == 2 * ["&lt;Never&gt; <span>(yours)</span>"] + 2 * ["Width <span>(yours)</span>"]
    assert "never is NaN on 6 of 6 networks: it has &amp; gives nothing" in page
    assert "<Never>" not in page


def test_the_page_says_how_it_was_made(page):
    text = re.sub(r"<[^>]+>", "", page)

    assert "zsnas evaluate mine.py --benchmarks tiny/a,tiny/b --profile quick" in text
    assert "6 networks, 6 architectures; seeds 0; batches of 4 images: tiny images." in text
    assert f"torch {torch.__version__}" in text
    assert "the scores beside them with torch 2.0; zsnas 0.0.9" in text
    assert "Nobody, 1999" in text
    assert "return passes.weights[0].numel()" in text


def test_the_page_is_the_same_every_time(page):
    assert evaluation_page.page(run()) == page


@pytest.mark.usefixtures("tiny")
def test_a_page_without_a_single_score_still_says_why(tmp_path):
    (tmp_path / "mine.py").write_text(PROXIES[: PROXIES.index("@")] + PROXIES[PROXIES.rindex("@") :])
    page = evaluation_page.page(run())

    assert "&lt;Never&gt; has no score on any of these networks." in page
    assert page.count("<td>undefined</td>") == 4


@pytest.mark.filterwarnings("ignore::zsnas.batches.FallbackImages")
def test_the_embedded_benchmark_with_real_cells(monkeypatch, tmp_path):
    monkeypatch.setattr(run_module, "QUICK", 2)
    monkeypatch.setattr(run_module, "BATCH_SIZE", 4)
    monkeypatch.setattr(run_module, "published_path", lambda _: tmp_path / "none")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(PROXIES)

    (result,) = run(benchmarks=["nb201-analog"], workers=2).results

    assert len(result.scores) == 4
    assert (result.scores["width"] == 16 * 3 * 9).all()
    assert value(result, "params", column="n") == 4


COPIES = """
import torch
import zsnas

FIELDS = {"higher_is_better": True, "kind": "gradient-based", "target": ()}


@zsnas.register(label="Copy of Grad_norm", **FIELDS)
def grad_norm_copy(passes):
    return sum(gradient.norm().item() for gradient in passes.gradients.weights)
"""


@pytest.mark.mirror
def test_a_copy_of_a_published_proxy_scores_what_is_published(monkeypatch, tmp_path):
    monkeypatch.setattr(run_module, "QUICK", 2)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(COPIES)

    (result,) = run(benchmarks=["nb201/imagenet16-120"]).results

    assert result.scores["grad_norm_copy"].tolist() == pytest.approx(result.scores["grad_norm"], rel=1e-3)


@pytest.mark.usefixtures("tiny")
def test_a_dollar_in_a_label_is_a_dollar(tmp_path):
    (tmp_path / "mine.py").write_text(PROXIES.replace("Width", "$Wid_th $^$"))
    page = evaluation_page.page(run())
    assert page.count("$Wid_th $^$") > 4


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize(
    "error",
    ["MemoryError()", "RuntimeError('[enforce fail] DefaultCPUAllocator: not enough memory: you tried to')"],
)
def test_what_memory_refused_a_proxy_of_ones_own_is_tried_again(tmp_path, monkeypatch, error):
    greedy = PROXIES.replace(
        "return passes", f"if 'GREEDY' in __import__('os').environ:\n        raise {error}\n    return passes"
    )
    (tmp_path / "mine.py").write_text(greedy)
    monkeypatch.setenv("GREEDY", "1")
    (result,) = run().results
    assert result.scores["width"].isna().all()
    monkeypatch.delenv("GREEDY")
    (result,) = run().results
    assert result.scores["width"].notna().all()
