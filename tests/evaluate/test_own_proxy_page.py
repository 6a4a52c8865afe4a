"""The page on one's own proxy cannot rot: what it shows is run here as it stands."""

import math
import re
import shlex
from pathlib import Path

import pytest
import torch

import zsnas
from zsnas.batches import Batch
from zsnas.cli import parser
from zsnas.proxies import Passes, Undefined, _registry, proxy

PAGE = (Path(__file__).parents[2] / "book" / "your_own_proxy.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"```\{code-block\} python\n:caption: (\S+)\n\n(.*?)```", PAGE, re.DOTALL))
COMMANDS = [
    line for block in re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()
]


@pytest.fixture
def folder(own_register, monkeypatch, tmp_path):  # noqa: ARG001 - a fixture
    """Write the page's files into the current folder; batches are noise, since images may be absent."""
    monkeypatch.setattr(zsnas, "batch", lambda *_, size, seed: noise(size, seed), raising=False)
    monkeypatch.chdir(tmp_path)
    for name, content in FILES.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    return tmp_path


def noise(size, seed):
    images = torch.randn(size, 3, 32, 32, generator=torch.Generator().manual_seed(seed))
    return Batch(images, torch.arange(size), 100, "noise")


def test_the_page_has_its_files():
    assert set(FILES) == {
        *("score_my_model.py", "score_my_text.py", "score_my_task.py"),
        *("my_proxy.py", "score_with_my_proxy.py"),
    }


@pytest.mark.usefixtures("folder")
def test_the_pages_model_and_proxy_are_scored():
    names = {}
    exec(FILES["score_my_model.py"] + FILES["score_with_my_proxy.py"], names)  # noqa: S102 - what the page shows

    assert names["scores"]["params"] == (16 * 27 + 16) + 32 + 1700
    assert set(names["few"]) == {"synflow", "naswot"}
    assert names["details"].reason is None
    assert 0 < names["own"]["code_distance"] < 16 * 32 * 32
    assert proxy("code_distance").label == "Code distance"


def test_text_and_series_of_the_page_are_scored():
    names = {}
    exec(FILES["score_my_text.py"], names)  # noqa: S102 - what the page shows
    found = {name: measured.value for name, measured in names["of_text"].items()}

    assert found["params"] == 1000 * 32 + 4 * 64 * (32 + 64 + 2) + 2 * 64 + 2
    assert found["flops"] == 20 * 4 * 64 * (32 + 64) + 2 * 64
    assert [name for name, value in found.items() if math.isnan(value)] == ["zen_score"]
    assert "Gaussian noise" in names["of_text"]["zen_score"].reason
    assert names["of_series"]["params"] == 8 * 9 * 3 + 8 + 8 * 2 + 2
    assert not any(math.isnan(value) for value in names["of_series"].values())


def test_tasks_of_the_page_are_scored():
    names = {}
    exec(FILES["score_my_task.py"], names)  # noqa: S102 - what the page shows
    for scores in (names["of_positions"], names["of_maps"]):
        assert not any(math.isnan(value) for value in scores.values())


@pytest.mark.usefixtures("folder")
def test_the_pages_proxy_is_the_mean_hamming_distance():
    zsnas.load_proxies("my_proxy.py")
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(2, 2, bias=False), torch.nn.ReLU())
    model[1].weight.data = torch.eye(2)
    images = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]]).view(3, 1, 1, 2)
    batch = Batch(images, torch.zeros(3, dtype=torch.int64), 2, "by hand")

    # Codes 11, 10, 00: distances 1, 2 and 1.
    assert zsnas.score(model, batch, ["code_distance"]) == {"code_distance": pytest.approx(4 / 3)}


@pytest.mark.usefixtures("folder")
def test_the_pages_proxy_says_where_it_has_no_value():
    zsnas.load_proxies("my_proxy.py")
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3072, 100), torch.nn.ReLU())

    with pytest.raises(Undefined, match="one image has nothing to differ from"):
        proxy("code_distance").function(Passes(model, noise(1, 0)))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_page_is_understood(command):
    program, *arguments = shlex.split(command)

    assert program == "zsnas"
    assert callable(parser().parse_args(arguments).run)


@pytest.mark.parametrize("field", ["kind", "target", "statistics"])
def test_the_page_names_the_valid_values(field):
    row = re.search(rf"^\| `{field}` \|(.*)\|$", PAGE, re.MULTILINE)[1]
    valid = {"kind": _registry.Kind, "target": _registry.Target, "statistics": _registry.Statistics}[field]

    assert re.findall(r'"([\w-]+)"', row) == list(valid.__args__)


@pytest.mark.parametrize(
    "name", re.findall(r"`([\w.]+)`", PAGE[PAGE.index("| attribute") : PAGE.index("Leave what")])
)
def test_passes_have_what_the_page_says(name):
    value = Passes(
        torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3072, 100), torch.nn.ReLU()), noise(4, 0)
    )
    for attribute in name.split("."):
        value = getattr(value, attribute)

    assert value is not None
