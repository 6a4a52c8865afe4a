"""The book's own pages: what makes them stale is what they run, no more and no less."""

import importlib
import json
import shutil
from functools import cache

import projects
import pytest

from zsnas.book import pages as notebooks

_pages = importlib.import_module("zsnas.book.pages.page")
_provenance = importlib.import_module("zsnas.book.pages.provenance")

MODULES = (
    *("_names.py", "counting.py", "figures.py", "macs.py", "pareto.py", "sources.py"),
    *("batches/images.py", "benchmarks/_base.py", "benchmarks/ade20k.py", "benchmarks/families.py"),
    *("book/figures/audit.py", "book/figures/plane.py", "book/materials.py", "book/studies/audit.py"),
    *("book/tables/rankings.py", "book/verdicts/rankings.py", "hardware/kernels.py", "proxies/_passes.py"),
    *("proxies/_registry.py", "proxies/jacob_cov.py", "scores/sweep.py", "scores/table.py"),
    *("spaces/nb201.py", "statistics/_correlations.py", "statistics/_rank_correlation.py"),
)
"""25 modules, some of which nearly every page runs, and some of which one page does."""

EVERY_BENCHMARK = {
    *("claims_ranking", "explorer", "index", "leaderboard"),
    *notebooks.list_notebooks("proxy_*"),
}
"""Pages that read all benchmarks."""

RUN_BY = {
    "benchmarks/ade20k.py": {"fig16"} | EVERY_BENCHMARK,
    "benchmarks/families.py": {"fig11", "fig12"} | EVERY_BENCHMARK,
    "book/figures/audit.py": {"audit"},
    "book/figures/plane.py": {"fig04"},
    "book/studies/audit.py": {"audit"},
    "hardware/kernels.py": {"tab03"},
}
"""Pages that run these modules, as one sees from what they import."""

PAGES = [name for name in notebooks.list_notebooks() if "code" in (notebooks.record_of(name) or {})]
"""Those that say what they ran; the others were made by an earlier version of the project and are stale."""

pytestmark = pytest.mark.skipif(not PAGES, reason="no page says what it ran: execute the notebooks first")


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """Return a copy of the project, with links to what no test changes."""
    folder = tmp_path_factory.mktemp("book") / "project"
    folder.mkdir()
    shutil.copytree(projects.ROOT / "zsnas", folder / "zsnas", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("notebooks", "data", "book", "_toc.yml"):
        (folder / name).symlink_to(projects.ROOT / name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_pages, "PROJECT", folder)
        # The text of a page follows from no module, and to write it anew takes most of the time.
        of_text = cache(lambda name, changes=_provenance._changes_of_text: [*changes(_pages.page(name))])
        patch.setattr(_provenance, "_changes_of_text", lambda page: of_text(page.name))
        yield folder


@pytest.fixture
def written(book):
    """Return a function that adds text to modules, which are as before after the test."""
    before = {}

    def add(text, *files):
        for file in files:
            before[book / "zsnas" / file] = (book / "zsnas" / file).read_text()
            (book / "zsnas" / file).write_text(before[book / "zsnas" / file] + text)

    yield add
    for path, text in before.items():
        path.write_text(text)


def reasons():
    """Return why pages are stale, by page, of which the tests here need none to be fresh."""
    return {name: set(notebooks.stale(name)) for name in PAGES}


@pytest.fixture(scope="module")
def before(book):  # noqa: ARG001 - the project that they are of
    """Return the reasons while nothing is broken."""
    return reasons()


@pytest.mark.parametrize("module", MODULES)
def test_broken_module_makes_the_pages_stale_that_run_it(written, before, module):
    runs = {name for name in PAGES if module in notebooks.record_of(name)["code"]}
    written("\nbroken = True\n", module)
    after = reasons()

    assert {name for name in PAGES if after[name] - before[name]} == runs
    assert runs == RUN_BY.get(module, runs) & set(PAGES)


def test_comment_and_docstring_in_every_module_make_nothing_stale(written):
    before = reasons()
    modules = {module for name in PAGES for module in notebooks.record_of(name)["code"]}
    written('\n# a remark\n"""And a text."""\n', *modules)

    assert reasons() == before


def test_scores_in_a_table_stand_for_the_proxies_that_made_them():
    for name in PAGES:
        record = notebooks.record_of(name)
        live = {file for file in record["code"] if file.startswith("proxies/") and "/_" not in file}
        # A page that measures a network runs the passes; one that does not, runs no proxy.
        assert bool(live - FORMULAS) <= ("proxies/_placement.py" in record["code"]), name


FORMULAS = {"proxies/__init__.py", "proxies/az_nas.py"}
"""Code beside the proxies that works on tables."""


def test_record_names_nothing_of_this_machine():
    for name in PAGES:
        assert str(projects.ROOT) not in json.dumps(notebooks.record_of(name)), name
