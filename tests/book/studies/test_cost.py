"""Costs are ratios to a bare pass, with every proxy alone and the survey's twelve together."""

import copy

import pandas as pd
import pytest
import torch
from torch import nn

import zsnas
import zsnas.batches
import zsnas.spaces
from zsnas.batches import Batch
from zsnas.book.studies import cost
from zsnas.sources import DATA


@pytest.fixture
def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 2),
    )


@pytest.fixture
def batch():
    images = torch.randn(4, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    return Batch(images, torch.tensor([0, 1, 0, 1]), 2, "noise")


@pytest.fixture
def clock(monkeypatch):
    """Let a bare pass take 2 s and the work 3, 4 and 8 s, in turns."""
    times = iter([2, 3, 2, 4, 2, 8] * 10)
    monkeypatch.setattr(cost, "_seconds", lambda work: (work(), next(times))[1])


@pytest.fixture
def table():
    rows = {
        "snip": (2.0, 1.9, 2.2, 1.0),
        "grasp": (4.0, 3.5, 4.5, 2.5),
        "ntk_cond": (50.0, 49.0, 51.0, 2.0),
        "ntk_cond_printed": (3.0, 2.9, 3.1, 2.5),
        "meco": (9.0, 9.0, 9.0, 0.5),
        "twelve": (52.0, 52.0, 52.0, 3.0),
        "twelve_by_image": (6.0, 5.5, 6.5, 2.6),
    }
    columns = ["cost", "low", "high", "memory"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("proxy").reset_index()
    return table.assign(
        rounds=[5, 5, 2, 5, 5, 2, 5], batch_size=64, machine="abacus, 2 beads", torch="2.0", zsnas="0.1"
    )


def test_twelve_are_those_of_the_surveys_table_ii():
    published = pd.read_csv(DATA / "published" / "li2024_table_ii.csv")

    assert set(cost.TWELVE) == set(published["proxy"])
    assert len(cost.TWELVE) == 12


def test_twelve_by_image_differ_in_ntk_cond_alone():
    assert set(cost.TOGETHER["twelve"]) ^ set(cost.TOGETHER["twelve_by_image"]) == {
        "ntk_cond",
        "ntk_cond_printed",
    }


def test_groups_are_each_proxy_alone_and_the_sets():
    assert cost.groups(["params", "snip"]) == {
        "params": ["params"],
        "snip": ["snip"],
        "twelve": list(cost.TOGETHER["twelve"]),
        "twelve_by_image": list(cost.TOGETHER["twelve_by_image"]),
    }


@pytest.mark.usefixtures("clock")
def test_cost_is_the_median_of_the_ratios(network, batch):
    table = cost.costs(network, batch, {"params": ["params"], "pair": ["params", "snip"]}, rounds=3)
    table = table.set_index("proxy")

    assert list(table.index) == ["params", "pair"]
    assert table.loc["pair", ["cost", "low", "high", "seconds", "rounds"]].to_list() == [2, 1.5, 4, 4, 3]
    assert (table["batch_size"] == 4).all()
    assert (table["zsnas"] == zsnas.__version__).all()
    assert (table["torch"] == torch.__version__).all()
    assert table["machine"].str.contains(f"torch threads: {torch.get_num_threads()}").all()


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(("seconds", "rounds"), [(0, 1), (5, 1), (6, 2), (1000, 3)])
def test_no_round_is_started_when_the_time_is_over(network, batch, seconds, rounds):
    table = cost.costs(network, batch, {"params": ["params"]}, rounds=3, seconds=seconds)

    assert table["rounds"].to_list() == [rounds]


def test_bare_pass_comes_just_before_the_proxies_in_every_round(network, batch, monkeypatch):
    calls = []
    monkeypatch.setattr(cost, "_bare_pass", lambda *_: lambda: calls.append("bare"))
    monkeypatch.setattr(cost, "measure", lambda *call: calls.append(call[2]))
    monkeypatch.setattr(cost, "_peak_bytes", lambda work: (work(), 1)[1])

    cost.costs(network, batch, {"a": ["params"], "b": ["params", "snip"]}, rounds=2)

    warm_up, params, pair = ["bare", "bare"], ["params"], ["params", "snip"]
    assert calls == [
        *warm_up,
        *(params, "bare", params, "bare", params),
        *(pair, "bare", pair, "bare", pair),
    ]


def test_peak_is_that_of_tensors_alive_at_once():
    def work():
        first = torch.ones(1000)
        del first
        second, third = torch.ones(500), torch.ones(700)
        return second + third[:500]

    assert cost._peak_bytes(work) == 4 * (500 + 700 + 500)


def test_memory_is_a_multiple_of_that_of_the_bare_pass(network, batch, monkeypatch):
    sizes = iter([100, 250, 300])
    monkeypatch.setattr(cost, "_peak_bytes", lambda _: next(sizes))

    table = cost.costs(network, batch, {"params": ["params"], "snip": ["snip"]}, rounds=1)

    assert table["memory"].to_list() == [2.5, 3.0]


def test_bare_pass_is_forward_and_backward_of_a_training_step(network, batch):
    gradients = cost._bare_pass(network.eval(), batch)()

    loss = nn.functional.cross_entropy(network.train()(batch.images), batch.labels)
    expected = torch.autograd.grad(loss, tuple(network.parameters()))
    assert len(gradients) == len(expected)
    for mine, theirs in zip(gradients, expected, strict=True):
        torch.testing.assert_close(mine, theirs)


def test_bare_pass_is_channels_last_and_may_leave_parameters_out(batch):
    layouts = []

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.unused = nn.Conv2d(3, 2, 3), nn.Linear(1, 1)

        def forward(self, images):
            layouts.extend([images.stride(1), self.used.weight.stride(1)])
            return self.used(images).mean((2, 3))

    coloured = Batch(torch.ones(4, 3, 6, 6), batch.labels, 2, "ones")

    *_, of_unused = cost._bare_pass(Network(), coloured)()

    assert layouts == [1, 1]  # neighbours in memory are channels
    assert of_unused is None


def test_seconds_are_measured():
    assert cost._seconds(lambda: torch.ones(1)) > 0


def test_network_stays_as_it_was(network, batch):
    before = copy.deepcopy(network.state_dict())
    cost.costs(network.eval(), batch, {"snip": ["snip"]}, rounds=1)

    assert not network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_applicable_leaves_out_the_undefined(network, batch):
    assert cost.applicable(network, batch, ["snip", "nn_mass", "params"]) == ["snip", "params"]


def test_applicable_are_by_default_all_originals_and_ntk_cond_by_image(network, batch):
    found = cost.applicable(network, batch)

    assert {"params", "snip", "ntk_cond"} < set(found)
    assert [name for name in found if zsnas.proxy(name).variant_of] == ["ntk_cond_printed"]


def test_progress_is_shown_on_standard_error_when_asked_for(network, batch, capsys):
    for progress in (False, True):
        cost.costs(network, batch, {"params": ["params"]}, rounds=1, progress=progress)
        assert ("1/1" in capsys.readouterr().err) == progress


def test_alone_adds_up_the_members_that_have_a_row(table):
    assert cost.alone(table, "twelve") == 2 + 4 + 50
    assert cost.alone(table, "twelve_by_image") == 2 + 4 + 3


def test_without_value_are_those_of_the_twelve_without_a_row(table):
    assert cost.without_value(table) == [
        name for name in cost.TWELVE if name not in ("snip", "grasp", "ntk_cond")
    ]


def test_labels_of_rows():
    assert cost.label("snip") == "SNIP"
    assert cost.label("twelve") == "the survey’s twelve together"
    assert cost.label("twelve_by_image") == "the survey’s twelve together, with NTK_Cond as printed"


def test_readme_gets_the_twelve_dearest_first_and_the_sets(table):
    text = f"before\n{cost.START}old\n{cost.END}after\n"

    lines = cost.readme(text, table).replace("\N{NO-BREAK SPACE}", " ").splitlines()

    assert (lines[0], lines[-1]) == ("before", "after")
    assert "old" not in lines
    assert lines[2:10] == [
        "| proxy | cost | one by one | memory |",
        "|---|--:|--:|--:|",
        "| NTK_Cond | 50.00 [49.00, 51.00] |  | 2.0 |",
        "| GraSP | 4.00 [3.50, 4.50] |  | 2.5 |",
        "| NTK_Cond as printed | 3.00 [2.90, 3.10] |  | 2.5 |",
        "| SNIP | 2.00 [1.90, 2.20] |  | 1.0 |",
        "| the survey’s twelve together | 52.00 [52.00, 52.00] | 56.0 | 3.0 |",
        "| the survey’s twelve together, with NTK_Cond as printed | 6.00 [5.50, 6.50] | 9.0 | 2.6 |",
    ]
    assert "64 images of CIFAR-100" in lines[11]
    assert "As printed: by the survey's Eq. 12." in lines[11]
    assert "abacus, 2 beads; torch 2.0, zsnas 0.1." in lines[11]
    assert "NN-Mass does not apply to this network." in lines[11]


def test_readme_can_be_written_again(table):
    once = cost.readme(f"{cost.START}{cost.END}", table)

    assert cost.readme(once, table) == once


def test_readme_of_the_project_shows_the_committed_table():
    text = cost.README.read_text(encoding="utf-8")

    assert cost.TABLE.exists(), "run `python -m zsnas.book.studies.cost` on a machine that does nothing else"
    assert text == cost.readme(text, pd.read_csv(cost.TABLE))


@pytest.fixture
def _files(monkeypatch, tmp_path):
    monkeypatch.setattr(cost, "TABLE", tmp_path / "performance.csv")
    monkeypatch.setattr(cost, "README", tmp_path / "README.md")
    cost.README.write_text(f"{cost.START}{cost.END}")


@pytest.mark.usefixtures("_files")
def test_main_measures_the_largest_network_and_writes_both_tables(network, batch, table, monkeypatch):
    asked, built = [], []
    monkeypatch.setattr(
        zsnas.batches, "batch", lambda name, size, seed: asked.append((name, size, seed)) or batch
    )
    space = type("", (), {"build": lambda _, *call: built.append(call) or network})
    monkeypatch.setattr(zsnas.spaces, "space", lambda _: space())
    monkeypatch.setattr(cost, "applicable", lambda *_: ["params"])
    monkeypatch.setattr(cost, "costs", lambda *call, progress: asked.append((call[2], progress)) or table)

    cost.main([])

    assert built == [(cost.LARGEST, 100, 0)]
    assert asked[1:] == [("cifar100", 64, 0), (cost.groups(["params"]), True)]
    assert cost.TABLE.read_text().splitlines()[1].startswith("snip,2.0,1.9,2.2,1.0,5,64,")
    assert "| SNIP | 2.00" in cost.README.read_text()


@pytest.mark.usefixtures("_files")
def test_main_writes_where_it_is_told(table, monkeypatch, tmp_path):
    monkeypatch.setattr(zsnas.batches, "batch", lambda *_, **__: None)
    monkeypatch.setattr(cost, "applicable", lambda *_: ["params"])
    monkeypatch.setattr(cost, "costs", lambda *_, **__: table)
    before = cost.README.read_text()

    cost.main(["--to", str(tmp_path / "mine.csv")])

    assert (tmp_path / "mine.csv").read_text().splitlines()[1].startswith("snip,2.0,1.9,2.2,1.0,5,64,")
    assert not cost.TABLE.exists()
    assert cost.README.read_text() == before
    with pytest.raises(ValueError, match="as a table of costs does"):
        cost.main(["--to", str(tmp_path / "mine.txt")])


@pytest.mark.usefixtures("_files")
def test_main_can_write_the_readme_alone(table, monkeypatch):
    monkeypatch.setattr(cost, "costs", lambda *_, **__: pytest.fail("measured"))
    table.to_csv(cost.TABLE, index=False)

    cost.main(["--readme"])

    assert "| SNIP | 2.00" in cost.README.read_text()


def judged(table):
    return cost.without_gradients_is_cheaper("What takes a gradient costs more.", "2.4", table)


def test_gradient_free_proxies_are_compared_with_gradient_based_ones_of_the_survey(table):
    row = table.iloc[[0]].assign(proxy="logdet", cost=1.5)
    verdict = judged(pd.concat([table, row]))
    assert verdict.outcome == "agrees"
    assert (
        "gradient-free ones, which are only 1 (Logdet), cost from 1.50 to 1.50 bare passes (median 1.50)"
        in verdict.because
    )
    assert "the 3 gradient-based ones from 2.00 to 50.00 bare passes (median 4.00)" in verdict.because


def test_a_gradient_free_proxy_that_costs_more_than_the_cheapest_gradient_is_an_agreement_in_part(table):
    row = table.iloc[[0]].assign(proxy="logdet", cost=3.0)
    assert judged(pd.concat([table, row])).outcome == "agrees in part"


def test_gradient_free_proxies_that_cost_more_differ(table):
    row = table.iloc[[0]].assign(proxy="logdet", cost=5.0)
    assert judged(pd.concat([table, row])).outcome == "differs"


def test_one_kind_alone_cannot_be_compared(table):
    assert judged(table).outcome == "cannot be compared"


def test_the_committed_costs_serve_the_defaults_of_the_page():
    table = cost.found("full", [0], 64, None, recompute=False)
    pd.testing.assert_frame_equal(table, pd.read_csv(cost.TABLE))
    assert "Measured by python -m zsnas.book.studies.cost; " in cost.made_with(table)


def test_other_parameters_are_measured_now(monkeypatch):
    asked = []

    def costs(_network, batch, measured, rounds):
        asked.append((len(batch.images), list(measured), rounds))
        return pd.DataFrame({"proxy": list(measured), "batch_size": len(batch.images)})

    monkeypatch.setattr(cost, "costs", costs)
    monkeypatch.setattr(
        cost, "applicable", lambda _network, _batch, names: names or ["snip", "swap", "plain"]
    )

    quick = cost.found("quick", [0], 64, None, recompute=False)
    cost.found("full", [3], 4, 1, recompute=False)

    assert quick.attrs["origin"] == "Measured when this page was run"
    (small, every, once), (four, names, rounds) = asked
    assert (small, once, four, rounds) == (8, 1, 4, cost.ROUNDS)
    assert set(cost.TWELVE) < set(every)
    assert names == ["snip", "swap", *cost.TOGETHER]


def test_the_listing_is_from_the_cheapest_on(table):
    found = cost.listing(table.assign(seconds=1.0))
    assert found["bare passes"].iloc[0] == "2.00 [1.90,\N{NO-BREAK SPACE}2.20]"
    assert found.index[0] == "SNIP, {eq}`eq-snip`"
    assert found.loc[cost.label("twelve"), "kind"] == ""
