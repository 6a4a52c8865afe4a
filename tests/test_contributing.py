"""The recipes of CONTRIBUTING.md work: they are followed to the letter in a copy of the repository."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
COPIED = ("zsnas", "tests", "book", "notebooks", "data", "pyproject.toml", "_toc.yml")

# A path, or "At the end of" and a path, in a line of its own; then one or several blocks of code.
STEP = re.compile(r"^(At the end of )?`(\S+)`\n((?:\n(`{3,4})\w+\n.*?^\4$\n?)+)", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^(`{3,4})(\w+)\n(.*?)^\1$", re.MULTILINE | re.DOTALL)


class Step(NamedTuple):
    """What a recipe does to one file."""

    path: str
    appends: bool
    blocks: list[tuple[str, str]]  # language and content


def recipe(title):
    """Return the steps below a heading, up to the next one that is no part of a file."""
    section = re.split(r"^## (?:Add|Before) ", GUIDE.partition(f"\n## {title}\n")[2], flags=re.MULTILINE)[0]
    return [
        Step(path, bool(at_the_end), [(language, text) for _, language, text in BLOCK.findall(blocks)])
        for at_the_end, path, blocks, _ in STEP.findall(section)
    ]


RECIPES = {title: recipe(title) for title in re.findall(r"^## (Add .*)$", GUIDE, re.MULTILINE)}


class Copy:
    """A copy of the repository that recipes change."""

    def __init__(self, folder):
        self.folder = folder
        ignored = shutil.ignore_patterns("__pycache__", "*.ipynb")
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, folder / name, ignore=ignored)
            else:
                shutil.copy(source, folder / name)

    def follow(self, steps):
        for step in steps:
            file = self.folder / step.path
            for language, text in step.blocks:
                if language == "diff":
                    file.write_text(applied(file.read_text(), text))
                else:
                    assert file.exists() == step.appends, step.path
                    file.write_text((file.read_text() if step.appends else "") + text)

    def run(self, *arguments):
        """Run Python in the copy; return what it printed."""
        environment = {**os.environ, "PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}
        found = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert found.returncode == 0, found.stdout + found.stderr
        return found.stdout

    def zsnas(self, *arguments, then="pass"):
        """Run a command, and something in the same process, which takes seconds to start."""
        return self.run("-c", f"from zsnas.cli import main; assert not main({arguments!r}); {then}")

    def test(self, *arguments):
        return self.run("-m", "pytest", "-q", "-p", "no:cacheprovider", "-n0", *arguments)


def applied(text, diff):
    """Return a text with the added lines of a difference after the lines that it shows before them."""
    lines = diff.splitlines(keepends=True)
    before, after = ("".join(line[1:] for line in lines if line[0] != other) for other in "+-")
    assert text.count(before) == 1, before
    return text.replace(before, after)


@pytest.fixture
def copy(tmp_path):
    return Copy(tmp_path)


def test_there_is_a_recipe_for_each_kind():
    assert list(RECIPES) == ["Add a proxy", "Add a benchmark", "Add a search space", "Add a page"]
    assert [step.path for step in RECIPES["Add a proxy"]] == [
        "zsnas/proxies/logit_spread.py",
        "tests/proxies/test_logit_spread.py",
        "book/proxies_followups.md",
        "book/references.bib",
    ]


@pytest.mark.parametrize("title", RECIPES)
def test_a_recipe_touches_at_most_five_files_and_half_of_them_are_new(title):
    steps = RECIPES[title]
    new = [step for step in steps if not (ROOT / step.path).exists()]
    assert 2 <= len(steps) <= 5
    assert len(new) >= len(steps) / 2


def test_recipes_keep_to_the_style(copy):
    for steps in RECIPES.values():
        copy.follow(steps)
    files = [s.path for steps in RECIPES.values() for s in steps if s.path.endswith(".py")]
    copy.run("-m", "ruff", "check", "--no-cache", *files)
    copy.run("-m", "ruff", "format", "--no-cache", "--check", *files)


@pytest.mark.slow
def test_the_proxy_is_listed_tested_defined_and_scored(copy):
    copy.follow(RECIPES["Add a proxy"])
    score = (
        "import torch, zsnas;"
        "batch = zsnas.Batch(torch.eye(4).view(4, 1, 2, 2), torch.arange(4), 4, 'eye');"
        "print(zsnas.score(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 4)), batch))"
    )
    printed = copy.zsnas("proxies", "logit*", then=score)
    assert "Logit spread" in printed
    assert "'logit_spread': " in printed
    tests = "tests/proxies/test_logit_spread.py", "tests/proxies/test_guarantees.py"
    assert "passed" in copy.test(*tests, "tests/test_definitions.py", "-k", "logit_spread")


@pytest.mark.slow
def test_the_benchmark_is_listed_and_its_numbers_are_right(copy):
    copy.follow(RECIPES["Add a benchmark"])
    listed = copy.zsnas("benchmarks", "torchvision/squeeze*", "--details")
    assert "58.18 %" in listed
    assert "1 passed" in copy.test("tests/benchmarks/test_squeezenets.py")


@pytest.mark.slow
def test_the_space_is_found_and_keeps_what_spaces_promise(copy):
    copy.follow(RECIPES["Add a search space"])
    assert "'widths'" in copy.run("-c", "import zsnas; print(zsnas.list_spaces())")
    assert "passed" in copy.test("tests/spaces/test_widths.py", "tests/spaces/test_base.py", "-k", "widths")


@pytest.mark.slow
def test_the_page_is_listed_has_its_place_and_takes_parameters(copy):
    copy.follow(RECIPES["Add a page"])
    parts = yaml.safe_load((copy.folder / "_toc.yml").read_text())["parts"]
    assert "notebooks/good_cells" in [chapter["file"] for part in parts for chapter in part["chapters"]]
    parameters = (
        "from zsnas.book.pages.page import page; from zsnas.book.pages.parameters import defaults;"
        "print(defaults(page('good_cells').read(), 'good_cells'))"
    )
    *listed, taken = copy.zsnas("notebooks", "list", "good*", then=parameters).splitlines()
    assert listed[-1].split()[0] == "good_cells"
    assert "'seeds': [0], 'batch_size': 64, 'limit': None" in taken


def test_the_map_names_rooms_that_exist():
    rooms = GUIDE.partition("\n## The house\n")[2].partition("\n## ")[0]
    for row in re.findall(r"^\| (`.*?) \|", rooms, re.MULTILINE):
        first, *others = re.findall(r"`([^`]+)`", row)
        places = [first, *(str(Path(first).parent / other) for other in others)]
        for place in places:
            assert list(ROOT.glob(place.replace("NAME", "*"))), place


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)#]+)\)", GUIDE))
def test_links_lead_somewhere(target):
    assert (ROOT / target).exists()


def test_hooks_run_what_continuous_integration_runs():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    steps = re.findall(r"^ *step \w+ (.*?)(?: #.*)?$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    assert [hook["entry"] for hook in hooks] == ["make lint", "make types"]
    assert {hook["entry"] for hook in hooks} <= set(steps)
    assert all((hook["language"], hook["pass_filenames"]) == ("system", False) for hook in hooks)


def test_the_workflow_publishes_the_book_that_has_passed_every_check():
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "book.yml").read_text())["jobs"]
    assert ".ci/run" in [step.get("run") for step in jobs["checks"]["steps"]]
    assert {"ZSNAS_REPOSITORY", "ZSNAS_SITE"} <= set(jobs["checks"]["env"])
    assert jobs["publish"]["needs"] == "checks"


@pytest.mark.parametrize(
    "form", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")), ids=lambda p: p.stem
)
def test_a_form_for_issues_has_what_its_host_asks_for(form):
    found = yaml.safe_load(form.read_text())
    assert {"name", "description", "body"} <= set(found)
    fields = [field for field in found["body"] if field["type"] != "markdown"]
    assert all("label" in field["attributes"] for field in fields)
    assert len({field["id"] for field in fields}) == len(fields)
