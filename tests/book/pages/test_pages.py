"""Notebooks run with typed parameters, leave the same bytes twice, and know when they are stale."""

import importlib
import json
import logging
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import papermill
import projects
import psutil
import pytest

from zsnas import sources
from zsnas.book import pages as notebooks
from zsnas.book.pages import warm
from zsnas.book.pages.parameters import defaults, typed

# The package has functions of these names, which hide its modules.
_pages = importlib.import_module("zsnas.book.pages.page")
_provenance = importlib.import_module("zsnas.book.pages.provenance")
_refresh = importlib.import_module("zsnas.book.pages.refresh")

TINY = Path(__file__).parents[2] / "tiny_notebook.md"
DEFAULT = {"profile": "full", "seeds": [0, 1], "batch_size": 64, "limit": None, "recompute": False}


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """Return a project with one notebook, executed once with its default parameters."""
    folder = projects.make(tmp_path_factory.mktemp("tiny"), {"tiny": TINY.read_text()})
    (folder / "data" / "scores").mkdir(parents=True)
    (folder / "data" / "scores" / "tiny.csv").write_text("arch,score\na,1\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_pages, "PROJECT", folder)
        notebooks.run("tiny", progress=False)
    return folder


@pytest.fixture
def project(executed, tmp_path, monkeypatch):
    """Return a copy of the executed project that a test may change."""
    folder = tmp_path / "project"
    shutil.copytree(executed, folder)
    monkeypatch.setattr(_pages, "PROJECT", folder)
    return folder


def printed(path):
    notebook = nbformat.read(path, as_version=4)
    return "".join(
        output.get("text", "")
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    )


def test_default_run_is_the_page_of_the_book(project):
    text = printed(project / "notebooks" / "tiny.ipynb")

    assert "profile='full' seeds=[0, 1] batch_size=64 limit=None recompute=False" in text


def test_page_keeps_results_and_tags_but_nothing_volatile(project):
    page = json.loads((project / "notebooks" / "tiny.ipynb").read_text())

    assert page["cells"][-1]["outputs"][0]["data"]["text/plain"] == ["1"]
    assert page["cells"][-1]["metadata"] == {"tags": ["hide-input"]}
    assert set(page["metadata"]) == {"kernelspec", "language_info", "zsnas"}
    assert "version" not in page["metadata"]["language_info"]
    assert "progress" not in printed(project / "notebooks" / "tiny.ipynb")
    assert "date 0" in printed(project / "notebooks" / "tiny.ipynb")


def test_running_again_leaves_the_same_bytes(project):
    page = project / "notebooks" / "tiny.ipynb"
    before = page.read_bytes()
    page.unlink()

    notebooks.run("tiny", progress=False)

    assert page.read_bytes() == before


def test_other_parameters_go_to_a_readable_name_and_leave_the_page_alone(project):
    page = project / "notebooks" / "tiny.ipynb"
    before = page.read_bytes()

    result = notebooks.run("tiny", {"seeds": "7,8", "recompute": "true", "limit": "100"}, progress=False)

    assert result == project / "_build" / "notebooks" / "tiny-seeds=7,8-recompute=True-limit=100.ipynb"
    assert "seeds=[7, 8] batch_size=64 limit=100 recompute=True" in printed(result)
    assert json.loads(result.read_text())["metadata"]["zsnas"]["parameters"]["seeds"] == [7, 8]
    assert page.read_bytes() == before


def test_given_defaults_are_a_default_run(project):
    assert notebooks.run("tiny", {"seeds": "0,1"}, progress=False) == project / "notebooks" / "tiny.ipynb"


def test_output_may_not_be_the_page_unless_parameters_are_the_default(project):
    with pytest.raises(ValueError, match="is the book's page"):
        notebooks.run("tiny", {"seeds": "7"}, output=project / "notebooks" / "tiny.ipynb", progress=False)


def test_failing_cell_is_named_with_its_error_and_leaves_no_file(project):
    with pytest.raises(notebooks.NotebookError) as caught:
        notebooks.run("tiny", {"limit": 13}, progress=False)

    message = str(caught.value)
    assert "notebook 'tiny'" in message
    assert "AssertionError: thirteen is unlucky" in message
    assert "    sum(seeds)" in message
    assert "\x1b" not in message
    assert not list((project / "_build").rglob("*.ipynb"))


@pytest.mark.parametrize("is_warm", [False, True])
def test_a_process_that_dies_is_a_sentence_and_leaves_no_file(project, is_warm):
    source = project / "notebooks" / "tiny.md"
    source.write_text(source.read_text().replace("sum(seeds)", "os._exit(3)"))
    (project / "notebooks" / "tiny.ipynb").unlink()
    with pytest.raises(notebooks.NotebookError, match=r"notebook 'tiny' .* ended before its last cell"):
        notebooks.run("tiny", progress=False, warm=is_warm)
    assert not list(project.rglob("*.ipynb"))


@pytest.mark.usefixtures("project")
def test_environment_is_as_before_after_a_run(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "17")
    monkeypatch.delenv("PYTHONHASHSEED", raising=False)

    notebooks.run("tiny", {"limit": 1}, progress=False)

    assert os.environ["SOURCE_DATE_EPOCH"] == "17"
    assert "PYTHONHASHSEED" not in os.environ


@pytest.mark.skipif(sys.platform != "linux", reason="on Linux only")
def test_a_page_in_a_warm_process_is_the_same_and_leaves_none(project):
    page = project / "notebooks" / "tiny.ipynb"
    before = page.read_bytes()
    page.unlink()

    assert notebooks.run("tiny", progress=False, warm=True).read_bytes() == before
    assert psutil.Process(warm._server().pid).children() == []


@pytest.mark.skipif(sys.platform != "linux", reason="on Linux only")
def test_a_warm_process_that_does_not_end_is_ended(project):
    source = project / "notebooks" / "tiny.md"
    waits = "__import__('threading').Thread(target=time.sleep, args=(600,)).start()"
    source.write_text(source.read_text().replace("sum(seeds)", f"{waits}; sum(seeds)"))

    notebooks.run("tiny", progress=False, warm=True)

    assert psutil.Process(warm._server().pid).children() == []


@pytest.mark.usefixtures("project")
def test_unknown_notebook_names_the_closest_one():
    with pytest.raises(ValueError, match="unknown notebook 'tyny'; did you mean 'tiny'"):
        notebooks.run("tyny")


TWICE = """zsnas:
  pages:
    one:
      parameters: {batch_size: 1}
      text: {title: The first}
    two:
      text: {title: The second}
---

# {{title}} of {{page}}
"""


@pytest.fixture
def twice(project):
    """Add a source that is executed as two pages."""
    source = TINY.read_text().replace("---\n\n# A tiny notebook\n", TWICE)
    (project / "notebooks" / "source.md").write_text(source)
    return project


def test_a_source_can_be_several_pages_with_values_and_texts_of_their_own(twice):
    assert notebooks.list_notebooks() == ["one", "tiny", "two"]

    path = notebooks.run("one", progress=False)

    assert path == twice / "notebooks" / "one.ipynb"
    assert "batch_size=1 " in printed(path)
    cells = nbformat.read(path, as_version=4).cells
    assert cells[1].source == "# The first of one"  # after the cell that installs
    assert notebooks.page("two").read().cells[0].source == "# The second of two"
    assert notebooks.stale("one") == []


EACH = """zsnas:
  each: {folder: parts, parameter: batch_size}
---

# {{title}} of {{page}}

{{by hand}}
"""


@pytest.fixture
def each(project):
    """Add a source that is executed once for each file of a folder."""
    source = TINY.read_text().replace("---\n\n# A tiny notebook\n", EACH)
    (project / "notebooks" / "source.md").write_text(source)
    (project / "notebooks" / "parts").mkdir()
    for part in ("1", "2"):
        text = f"# Number {part}\n\n## By hand\n\n```{{code-cell}} ipython3\nprint('part {part}')\n```\n"
        (project / "notebooks" / "parts" / f"{part}.md").write_text(text)
    return project


@pytest.mark.usefixtures("each")
def test_a_source_can_be_a_page_for_each_file_of_a_folder():
    assert notebooks.list_notebooks() == ["source_1", "source_2", "tiny"]
    first, second = notebooks.page("source_1"), notebooks.page("source_2")
    assert first.title == "Number 1 of source_1"
    assert (first.parameters, second.parameters) == ({"batch_size": "1"}, {"batch_size": "2"})
    assert second.read().cells[1].source == "print('part 2')"


def test_a_part_makes_its_own_page_stale_and_no_other(each):
    digest = _provenance.source_digest
    before = [digest(notebooks.page(name)) for name in ("source_1", "source_2", "tiny")]
    with (each / "notebooks" / "parts" / "1.md").open("a") as part:
        part.write("More.\n")
    after = [digest(notebooks.page(name)) for name in ("source_1", "source_2", "tiny")]
    assert [one == other for one, other in zip(before, after, strict=True)] == [False, True, True]


def test_the_values_of_a_page_are_its_defaults(twice):
    assert notebooks.run("one", {"batch_size": 1}, progress=False) == twice / "notebooks" / "one.ipynb"
    other = notebooks.run("two", {"batch_size": 1}, progress=False)
    assert other == twice / "_build" / "notebooks" / "two-batch_size=1.ipynb"


def test_list_notebooks_takes_wildcards(project):
    (project / "notebooks" / "other.md").write_text(TINY.read_text())

    assert notebooks.list_notebooks() == ["other", "tiny"]
    assert notebooks.list_notebooks("t*") == ["tiny"]


def test_list_notebooks_without_the_repository_says_where_they_are(monkeypatch, tmp_path):
    monkeypatch.setattr(_pages, "PROJECT", tmp_path)

    with pytest.raises(FileNotFoundError, match="come with a clone of the repository"):
        notebooks.list_notebooks()


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("seeds", "7", [7]),
        ("seeds", "7,8", [7, 8]),
        ("seeds", (7, 8), [7, 8]),
        ("recompute", "True", True),
        ("limit", "100", 100),
        ("batch_size", "32", 32),
        ("profile", "quick", "quick"),
    ],
)
def test_values_take_the_type_of_their_parameter(key, text, value):
    assert typed({key: text}, DEFAULT, "tiny") == {key: value}


def test_none_is_a_limit():
    assert typed({"limit": "none"}, {**DEFAULT, "limit": 5}, "tiny") == {"limit": None}


@pytest.mark.parametrize(
    ("key", "text", "advice"),
    [
        ("seeds", "7;8", "seeds=7,8"),
        ("seeds", "-1", "seeds=7,8"),
        ("seeds", [], "seeds=7,8"),
        ("seeds", 3, "seeds=7,8"),
        ("recompute", "yes", "recompute=true"),
        ("limit", "0", "limit=100"),
        ("batch_size", "none", "batch_size=64"),
        ("profile", "fast", "profile=full or profile=quick"),
    ],
)
def test_unreadable_value_says_what_to_write(key, text, advice):
    with pytest.raises(ValueError, match=f"parameter {key}=.* cannot be read; write {advice}"):
        typed({key: text}, DEFAULT, "tiny")


@pytest.mark.parametrize(
    ("default", "text", "value"),
    [
        (False, "true", True),
        (3, "5", 5),
        (0.05, "0.1", 0.1),
        ("nb201", "tnb101", "tnb101"),
        ([1], "2,3", [2, 3]),
    ],
)
def test_further_parameters_are_read_by_the_type_of_their_default(default, text, value):
    assert typed({"extra": text}, {**DEFAULT, "extra": default}, "tiny") == {"extra": value}


def test_unknown_parameter_is_refused_with_the_valid_ones():
    with pytest.raises(
        ValueError, match="no parameter 'seed'; it has profile, seeds, batch_size, limit, recompute"
    ):
        typed({"seed": "7"}, DEFAULT, "tiny")


def notebook_with(source, tags=("parameters",)):
    cell = nbformat.v4.new_code_cell(source, metadata={"tags": list(tags)})
    return nbformat.v4.new_notebook(cells=[cell])


def test_defaults_need_a_tagged_cell():
    with pytest.raises(ValueError, match="'tiny' has 0 cells tagged 'parameters'"):
        defaults(notebook_with("seeds = [0]", tags=()), "tiny")


def test_defaults_need_the_five_parameters():
    with pytest.raises(ValueError, match="does not set profile, batch_size, limit, recompute"):
        defaults(notebook_with("seeds: list[int] = [0]"), "tiny")


def test_defaults_are_literals():
    with pytest.raises(ValueError, match="may only hold lines such as"):
        defaults(notebook_with("import os"), "tiny")


@pytest.mark.usefixtures("project")
def test_fresh_page_is_not_stale():
    assert notebooks.stale("tiny") == []
    notebooks.check()


def test_page_that_was_never_executed_is_stale(project):
    (project / "notebooks" / "tiny.ipynb").unlink()

    assert notebooks.stale("tiny") == ["it has never been executed"]


def test_page_without_provenance_is_stale(project):
    nbformat.write(nbformat.v4.new_notebook(), project / "notebooks" / "tiny.ipynb")

    assert notebooks.stale("tiny") == ["it does not say what it was made from"]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ("notebooks/tiny.md", "its source notebooks/tiny.md has changed"),
        ("data/scores/tiny.csv", "data/scores/tiny.csv has changed"),
        ("data/later.csv", "data/later.csv has changed"),
        ("zsnas/_names.py", "zsnas/_names.py has changed"),
    ],
)
def test_change_makes_a_page_stale(project, changed, reason):
    with (project / changed).open("a") as file:
        file.write("more = 1\n")

    assert notebooks.stale("tiny") == [reason]
    with pytest.raises(notebooks.StaleNotebooks, match=f"tiny: {reason}"):
        notebooks.check()


def test_code_that_is_gone_makes_a_page_stale(project):
    (project / "zsnas" / "_names.py").unlink()

    assert notebooks.stale("tiny") == ["zsnas/_names.py has changed"]


def test_code_that_a_page_does_not_run_does_not_make_it_stale(project):
    (project / "zsnas" / "pareto.py").write_text("front = 1\n")

    assert notebooks.stale("tiny") == []


def test_comments_and_docstrings_make_nothing_stale(project):
    module = project / "zsnas" / "_names.py"
    code = module.read_text().partition("\n")[2]
    module.write_text(f'"""Another purpose."""\n# A remark.\n{code}\n"""The end."""\n')

    assert notebooks.stale("tiny") == []


def test_record_is_of_what_the_page_did(project):
    assert list(record(project)["code"]) == ["_names.py"]
    assert list(record(project)["files"]) == ["data/later.csv", "data/scores/tiny.csv"]
    assert record(project)["sources"] == {}


def record(project, **changes):
    """Return what the tiny page was made from, with some changes, which are also written to it."""
    page = project / "notebooks" / "tiny.ipynb"
    notebook = json.loads(page.read_text())
    notebook["metadata"]["zsnas"] |= changes
    page.write_text(json.dumps(notebook))
    return notebook["metadata"]["zsnas"]


def test_page_made_by_an_earlier_version_is_stale(project):
    page = project / "notebooks" / "tiny.ipynb"
    notebook = json.loads(page.read_text())
    notebook["metadata"]["zsnas"] = {
        "source": "0" * 64,
        "inputs": {"scores/tiny.csv": "1" * 64},
        "modules": {},
    }
    page.write_text(json.dumps(notebook))

    assert notebooks.stale("tiny") == [
        "it was made by an earlier version of this project, which recorded less"
    ]
    assert notebooks.missing("tiny") == []


@pytest.mark.parametrize(
    ("was", "reason"),
    [
        ("missing", "it was made without freerea/cifar10/params"),
        ("1" * 64, "its source freerea/cifar10/params has changed"),
    ],
)
def test_source_that_was_missing_or_another_makes_a_page_stale(project, was, reason):
    record(project, sources={"freerea/cifar10/params": was})

    assert notebooks.stale("tiny") == [reason]


def test_what_a_page_was_made_from_may_be_missing_here(project, monkeypatch):
    record(project, sources={"freerea/cifar10/params": "1" * 64})
    (project / "data" / "scores" / "tiny.csv").unlink()
    monkeypatch.setattr(sources, "fetch", projects.unavailable)

    assert notebooks.missing("tiny") == [
        "data/scores/tiny.csv does not exist",
        "cannot get freerea/cifar10/params",
    ]


RECORDED = {"ran": {}, "opened": [], "sources": {}}


def test_another_registration_makes_a_page_stale_that_asks_the_register(project):
    file = project / "zsnas" / "proxies" / "jacob_cov.py"
    registered = notebooks.provenance("tiny", "", "", {}, RECORDED | {"ran": {"proxies/_registry.py": []}})
    record(project, proxies=registered["proxies"])
    file.write_text(file.read_text() + "\nbroken = 1\n")
    assert notebooks.stale("tiny") == []

    file.write_text(file.read_text().replace('label="Jacob_cov"', 'label="JC"'))
    assert notebooks.stale("tiny") == ["what the proxies are registered as has changed"]


def test_name_of_a_room_that_leads_elsewhere_makes_a_page_stale(project):
    record(project, names={"zsnas:score": "zsnas.proxies._registry:score"})
    assert notebooks.stale("tiny") == []

    room = project / "zsnas" / "proxies" / "__init__.py"
    room.write_text(room.read_text().replace("    score,\n)", "    measure as score,\n)"))
    assert notebooks.stale("tiny") == ["zsnas.score is something else now"]


def test_a_page_rests_on_the_words_of_one_that_it_quotes(project):
    quotes = "\n```{code-cell} ipython3\nfrom pathlib import Path\nlen(Path('tiny.ipynb').read_text())\n```\n"
    (project / "notebooks" / "before.md").write_text(TINY.read_text() + quotes)
    notebooks.run("before", progress=False)
    assert notebooks.stale("before") == []
    assert _provenance.in_order(["before", "tiny"]) == ["tiny", "before"]

    page = project / "notebooks" / "tiny.ipynb"
    for kind, reasons in (("image/svg+xml", []), ("text/html", ["notebooks/tiny.ipynb has changed"])):
        notebook = nbformat.read(page, as_version=4)
        notebook.cells[-1].outputs.append(nbformat.v4.new_output("display_data", {kind: "another"}))
        nbformat.write(notebook, page)
        assert notebooks.stale("before") == reasons


def test_page_is_refused_when_code_changes_while_it_runs(project):
    module = project / "zsnas" / "_names.py"
    module.write_text(module.read_text() + "\n# written meanwhile\n")

    with pytest.raises(
        notebooks.NotebookError, match=r"zsnas/_names.py was changed while notebook 'tiny' ran"
    ):
        notebooks.run("tiny", progress=False)


def test_check_fails_for_a_page_that_is_too_large(project):
    page = project / "notebooks" / "tiny.ipynb"
    notebook = nbformat.read(page, as_version=4)
    notebook.cells.append(nbformat.v4.new_markdown_cell("x" * 1_000_000))
    nbformat.write(notebook, page)

    with pytest.raises(notebooks.StaleNotebooks, match="more than 1 MB"):
        notebooks.check()


def test_refresh_executes_what_is_stale(project, caplog):
    caplog.set_level(logging.INFO)
    (project / "data" / "scores" / "tiny.csv").write_text("arch,score\na,2\n")

    notebooks.refresh()

    assert notebooks.stale("tiny") == []
    assert "tiny: executing, because data/scores/tiny.csv has changed" in caplog.text


def test_refresh_keeps_the_committed_page_when_its_data_is_missing(project, caplog):
    page = project / "notebooks" / "tiny.ipynb"
    before = page.read_bytes()
    (project / "data" / "scores" / "tiny.csv").unlink()

    notebooks.refresh()

    assert page.read_bytes() == before
    assert (
        "tiny: NOTE: stale, but kept as committed, because data/scores/tiny.csv does not exist" in caplog.text
    )


def test_refresh_fails_when_there_is_nothing_to_show(project):
    (project / "notebooks" / "tiny.ipynb").unlink()
    (project / "data" / "scores" / "tiny.csv").unlink()

    with pytest.raises(notebooks.NotebookError, match="FileNotFoundError"):
        notebooks.refresh()


def test_refresh_says_when_a_page_had_to_go_without_a_source(project, caplog, monkeypatch):
    without = {"freerea/cifar10/params": "missing"}
    monkeypatch.setattr(_refresh, "run", lambda _: record(project, sources=without))
    (project / "data" / "later.csv").write_text("")

    notebooks.refresh()

    assert "tiny: NOTE: stale again, because" in caplog.text
    assert "it was made without freerea/cifar10/params" in caplog.text


class InThreads(ThreadPoolExecutor):
    """Stand in for processes, which would not know of the project of a test."""

    def __init__(self, workers, _context):
        super().__init__(workers)


def test_quick_tells_every_failure_after_trying_all(project, monkeypatch):
    tried = []

    def attempt(name, _setting):
        tried.append(name)
        if name != "b":
            raise notebooks.NotebookError(f"{name} failed")
        return project / "b.ipynb", 1.0

    for name in "abc":
        (project / "notebooks" / f"{name}.md").write_text(TINY.read_text())
    monkeypatch.setattr(_refresh, "ProcessPoolExecutor", InThreads)
    monkeypatch.setattr(_refresh, "_quick", attempt)

    with pytest.raises(
        notebooks.NotebookError, match=r"failed\n\nwith seeds=\[7\], batch_size=16: .* failed"
    ):
        notebooks.quick("[abc]", workers=2)

    assert sorted(tried) == ["a", "b", "c"]


def test_quick_uses_a_seed_that_no_page_shows_and_a_small_batch(project):
    [result] = notebooks.quick()

    assert "profile='quick' seeds=[7] batch_size=16" in printed(result)
    assert result.parent == project / "_build" / "notebooks"


def test_after_all_turns_every_page_has_run_with_every_setting(project, monkeypatch):
    tried = []
    monkeypatch.setattr(
        _refresh, "_quick", lambda name, setting: tried.append((name, setting)) or (project, 1)
    )
    for name in "abc":
        (project / "notebooks" / f"{name}.md").write_text(TINY.read_text())

    for turn in range(5, 5 + _refresh.TURNS):
        notebooks.rotating(turn)

    wanted = [(name, setting) for name in ("a", "b", "c", "tiny") for setting in _refresh.OTHER_SETTINGS]
    assert sorted(tried, key=str) == sorted(wanted, key=str)


def test_a_page_names_its_places_in_the_survey(tmp_path):
    head = "---\nzsnas:\n  "
    texts = {
        "one": f"{head}survey: Figure 6\n---\n",
        "two": f"{head}survey: [Table IV, Table V]\n---\n",
        "several": f"{head}pages:\n    a: {{survey: Figure 13}}\n    b: {{}}\n---\n",
        "none": "# No header",
    }
    (tmp_path / "notebooks").mkdir()
    for name, text in texts.items():
        (tmp_path / "notebooks" / f"{name}.md").write_text(text)

    found = {name: page.survey for name, page in _pages.pages(tmp_path).items()}

    assert found == {
        "one": ("Figure 6",),
        "two": ("Table IV", "Table V"),
        "a": ("Figure 13",),
        "b": (),
        "none": (),
    }


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such sockets")
def test_kernels_that_run_at_once_have_sockets_of_their_own(project, monkeypatch):  # noqa: ARG001
    places = []
    execute = papermill.execute_notebook

    def watched(*args, config, **settings):
        places.append(config.KernelManager.ip)
        return execute(*args, config=config, **settings)

    monkeypatch.setattr(papermill, "execute_notebook", watched)
    for seed in (7, 8):
        notebooks.run("tiny", {"seeds": [seed]}, progress=False)
    assert len(set(places)) == 2
