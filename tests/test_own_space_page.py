"""The page on one's own space cannot rot: what it shows is run here as it stands."""

import re
import shlex
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
from command_line import run

import zsnas
from zsnas.batches.images import OWN as OWN_BATCHES
from zsnas.benchmarks import OWN as OWN_BENCHMARKS
from zsnas.cli import parser
from zsnas.evaluate import evaluate
from zsnas.scores.store import ScoreStore
from zsnas.scores.sweep import sweep
from zsnas.search import search
from zsnas.spaces._base import OWN as OWN_SPACES

PAGE = (Path(__file__).parents[1] / "book" / "your_own_space.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"```\{code-block\} python\n:caption: (\S+)\n\n(.*?)```", PAGE, re.DOTALL))
COMMANDS = re.search(r"```bash\n(.*?)```", PAGE, re.DOTALL)[1].splitlines()
PROXY = """
import zsnas


@zsnas.register(label="Mine", higher_is_better=True, kind="gradient-free", target=())
def mine(passes):
    return passes.weights[0].numel()
"""


@pytest.fixture
def folder(own_names, monkeypatch, tmp_path):  # noqa: ARG001 - a fixture
    """Write the page's files, and a proxy, into the current folder."""
    monkeypatch.chdir(tmp_path)
    for name, content in {**FILES, "my_proxy.py": PROXY}.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    return tmp_path


@pytest.fixture
def my_space(folder):
    """Register what the page registers."""
    sys.path.insert(0, str(folder))
    return __import__("my_space")


def stored(path):
    with ScoreStore(Path(path)) as store:
        return {(row.arch, s.proxy): s.value for row, found in store.scores().items() for s in found}


def test_what_it_takes_has_fewer_than_30_lines_of_code():
    assert len([line for line in FILES["my_space.py"].splitlines() if line]) < 30


@pytest.mark.usefixtures("my_space")
def test_what_is_registered_is_listed_and_found():
    assert "widths" in zsnas.list_spaces()
    assert "noise" in zsnas.list_batches()
    assert zsnas.list_benchmarks("widths/*") == ["widths/noise"]
    assert zsnas.space("widths").name == "widths"
    bench = zsnas.benchmark("widths/noise")
    bench.table.loc[0, "test_accuracy"] = -1.0
    assert zsnas.benchmark("widths/noise").table["test_accuracy"].min() == 61
    assert zsnas.benchmark("widths/noise@cifar10").batch == "cifar10"


def test_the_pages_lines_run_as_they_stand(folder):
    sys.path.insert(0, str(folder))
    names = {}
    exec(FILES["use_my_space.py"], names)  # noqa: S102 - what the page shows

    assert set(names["scores"]) == {"synflow", "naswot"}
    # A convolution of 3×3 over 3 channels with its bias, and a classifier of ten.
    weights = {arch: int(arch) * (27 + 1) + 10 * (int(arch) + 1) for arch in ("4", "24")}
    scores = stored(names["store"])
    assert names["store"] == Path(".zsnas/sweeps/widths/noise.sqlite")
    assert {arch: scores[arch, "params"] for arch in weights} == weights
    assert len(scores) == 12
    assert names["found"].history["parameters"].max() <= weights["24"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_page_is_understood(command):
    program, *arguments = shlex.split(command)

    assert program == "zsnas"
    assert parser().parse_args(arguments).load == ["my_space.py"]


@pytest.mark.slow
@pytest.mark.usefixtures("folder")
def test_the_commands_run_and_processes_know_the_space(capsys):
    for command in COMMANDS:
        status, output, errors = run(capsys, *shlex.split(command)[1:])
        assert status == 0, errors
        assert {"benchmarks": "widths/noise", "sweep": "noise.sqlite", "search": "24", "evaluate": "Mine"}[
            shlex.split(command)[1]
        ] in output.replace("mine", "Mine")
    assert len(stored(".zsnas/sweeps/widths/noise.sqlite")) == 12


@pytest.mark.parametrize("algorithm", ["random", "evolution", "local"])
@pytest.mark.usefixtures("my_space")
def test_a_search_finds_the_largest_by_its_parameters(algorithm):
    steps = 110 if algorithm == "evolution" else 30  # evolution begins with a hundred at random
    found = search(
        "widths", proxies="params", algorithm=algorithm, steps=steps, batch_name="noise", progress=False
    )
    assert found.arch == "24"


@pytest.mark.usefixtures("my_space")
def test_an_evaluation_compares_on_all_six():
    (result,) = evaluate("my_proxy.py", "widths", progress=False).results
    table = result.correlations.set_index(["proxy", "statistic", "subset"])
    assert sorted(result.scores["arch"].astype(int)) == [4, 8, 12, 16, 20, 24]
    assert table.loc[("mine", "KT", "all"), "value"] == 1
    assert table.loc[("params", "KT", "all"), "value"] == 1


def test_an_evaluation_scores_anew_what_a_changed_file_builds(folder, my_space):
    (before,) = evaluate("my_proxy.py", "widths", progress=False).results
    changed = FILES["my_space.py"].replace("nn.Conv2d(3, int(arch), 3)", "nn.Conv2d(3, int(arch), 5)")
    (folder / "my_space.py").write_text(changed)
    exec(compile(changed, my_space.__file__, "exec"), my_space.__dict__)  # noqa: S102 - importlib.reload by hand
    (after,) = evaluate("my_proxy.py", "widths", progress=False).results
    assert after.scores["mine"].sum() * 9 == before.scores["mine"].sum() * 25


@pytest.mark.usefixtures("folder")
def test_what_a_notebook_registers_is_refused_for_processes(monkeypatch):
    monkeypatch.setitem(sys.modules, "__main__", type(sys)("__main__"))  # a notebook has no file
    exec(FILES["my_space.py"], {"__name__": "__main__"})  # noqa: S102 - what the page shows
    sweep("widths/noise", proxies=["params"], progress=False)
    with pytest.raises(ValueError, match=r"the search space 'widths' is registered where a process cannot"):
        sweep("widths/noise", proxies=["params"], workers=2, progress=False)


@pytest.mark.usefixtures("my_space")
def test_a_proxy_of_a_loaded_file_is_refused_for_processes():
    zsnas.load_proxies("my_proxy.py")
    with pytest.raises(
        ValueError, match=r"the proxy 'mine' is registered where .* with workers=1 and without a time limit"
    ):
        sweep("widths/noise", proxies=["mine"], workers=2, progress=False)


@pytest.mark.usefixtures("my_space")
def test_the_same_module_may_register_again_and_another_may_not(my_space):
    class Other(my_space.Widths):
        architectures = ("4",)

    with pytest.raises(ValueError, match=r"'widths' is registered by the module 'my_space'; give yours anot"):
        zsnas.register_space(Other())
    exec("zsnas.register_space(Widths())", my_space.__dict__)  # noqa: S102 - as a cell that runs twice


def table(**columns):
    return pd.DataFrame({"arch": ["4", "8"], "test_accuracy": [61.0, 68.0]} | columns)


@pytest.mark.usefixtures("my_space")
@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"space": "width"}, "unknown search space 'width'; did you mean 'widths'"),
        ({"batch": "noises"}, "unknown batch 'noises'; did you mean 'noise'"),
        (
            {"metric": "loss"},
            "the table of the benchmark 'own/noise' has no column 'loss'; it has 'arch', 'te",
        ),
        (
            {"table": table(arch=["4", "5"])},
            "'5' in the table .* is no architecture of the search space 'wid",
        ),
        ({"table": table(arch=["4", "4"])}, "'4' in the table .* has two rows; keep one"),
        ({"table": table(test_accuracy=[1, None])}, "'8' in the table .* has a test_accuracy that is no fin"),
        ({"name": "nb201/cifar10"}, "a benchmark named 'nb201/cifar10' is registered by zsnas; give yours"),
        ({"name": "own noise"}, "'own noise' is no name of a benchmark: it may have letters, digits"),
        ({"metric": ""}, "benchmark 'own/noise' has latencies only"),
    ],
)
def test_a_benchmark_is_checked_when_it_is_registered(changes, why):
    given = {"name": "own/noise", "table": table(), "space": "widths", "batch": "noise", **changes}
    with pytest.raises(ValueError, match=why):
        zsnas.register_benchmark(zsnas.Benchmark(**given, licence="none", citation="none"))
    assert "own/noise" not in OWN_BENCHMARKS


@pytest.mark.usefixtures("own_names")
@pytest.mark.parametrize(
    ("register", "why"),
    [
        (lambda: zsnas.register_space(zsnas.Space), "derived from zsnas.Space, not <class.*MySpace()"),
        (lambda: zsnas.register_batch("noise", torch.zeros(3)), "by a function of size, seed and images_per"),
        (lambda: zsnas.register_batch("cifar10", print), "a batch named 'cifar10' is registered by zsnas"),
        (lambda: zsnas.register_benchmark(table()), r"a benchmark is a zsnas\.Benchmark, not"),
        (lambda: zsnas.register_batch("../noise", print), "'../noise' is no name of a batch"),
    ],
)
def test_what_is_not_of_its_kind_is_refused(register, why):
    with pytest.raises(ValueError, match=why):
        register()
    assert "noise" not in OWN_BATCHES
    assert not list(OWN_SPACES)


@pytest.mark.usefixtures("own_names")
@pytest.mark.parametrize(
    ("draw", "what"),
    [
        (lambda *_: None, "a NoneType"),
        (lambda *_: zsnas.Batch(torch.zeros(2, 3, 1, 1), torch.zeros(2).long(), 2, "two"), "2 images"),
    ],
)
def test_a_batch_of_another_kind_or_size_is_refused(draw, what):
    zsnas.register_batch("odd", draw)
    with pytest.raises(ValueError, match=f"the function of the batch 'odd' returned {what} when asked for 3"):
        zsnas.batch("odd", 3)


@pytest.mark.usefixtures("my_space")
def test_a_batch_is_asked_for_images_of_a_class():
    assert zsnas.batch("noise", 6, images_per_class=2).labels.tolist() == [0, 0, 1, 1, 2, 2]
    with pytest.raises(ValueError, match="a batch of 2 cannot have 3 images of a class"):
        zsnas.batch("noise", 2, images_per_class=3)


@pytest.mark.usefixtures("own_names")
def test_a_network_follows_from_the_seed_even_if_its_space_does_not_look_at_it():
    class Careless(zsnas.Space):
        name = "careless"
        architectures = ("one",)

        def build(self, _arch, num_classes, _seed):
            return torch.nn.Linear(2, num_classes)

    def weight(seed):
        return (
            Careless()
            .build_for("one", zsnas.Batch(torch.zeros(1, 1, 1, 2), torch.tensor([0]), 3, ""), seed)
            .weight
        )

    before = torch.get_rng_state()
    assert torch.equal(weight(1), weight(1))
    assert not torch.equal(weight(1), weight(2))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("nowhere.py", None, "there is no Python file 'nowhere.py'; give the path of one"),
        ("words.txt", "words", "there is no Python file 'words.txt'"),
        ("torch.py", "x = 1", "torch.py cannot be loaded, because 'torch' is the module .*; rename it"),
        ("wrong.py", "x = 1\nx = y\n", "wrong.py, line 2: NameError: name 'y' is not defined; correct it"),
        ("broken.py", "x =\n", "broken.py, line 1: SyntaxError: invalid syntax; correct it and run again"),
    ],
)
def test_what_is_wrong_with_a_loaded_file_is_one_sentence(folder, capsys, name, content, why):
    if content is not None:
        (folder / name).write_text(content)
    status, _, errors = run(capsys, "benchmarks", "--load", name)
    assert status == 2
    assert re.search(why, errors)
    assert errors.count("\n") == 1
