"""Every task by name: ``nox -l`` lists them, ``nox -s TASK`` runs one.

All tasks share the environment ``.nox/env``. It is installed by the first task that runs, and again only when
``pyproject.toml`` has changed since.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import nox

ROOT = Path(__file__).parent
ENVIRONMENT = ROOT / ".nox" / "env"
PYTHON = ENVIRONMENT / "bin" / "python"
BOOK = ROOT / "_build" / "html"
ONE_PAGE = ROOT / "_build" / "singlehtml"
COMMITS = ("git", "rev-list", "--count", "HEAD")
INSTRUCTORS = ROOT / "_build" / "instructors"
# The plain `pytest` leaves out the performance tests and the checks of the built book.
EVERYWHERE = "--override-ini=norecursedirs=.*"

nox.needs_version = ">=2025.5"
nox.options.sessions = ["tests"]
nox.options.error_on_missing_interpreters = True


def task(function: Callable[[nox.Session], None]) -> Callable[[nox.Session], None]:
    """Register `function` as a session that runs in the shared environment."""

    @functools.wraps(function)
    def in_environment(session: nox.Session) -> None:
        install(session)
        function(session)

    session: Callable[[nox.Session], None] = nox.session(venv_backend="none")(in_environment)
    return session


def install(session: nox.Session) -> None:
    """Install the project and its tools, unless done already for this ``pyproject.toml`` in this folder."""
    stamp = ENVIRONMENT / "installed.sha256"
    wanted = hashlib.sha256((ROOT / "pyproject.toml").read_bytes() + bytes(ROOT)).hexdigest()
    if PYTHON.exists() and stamp.exists() and stamp.read_text() == wanted:
        return
    session.log("installing the environment: some minutes the first time, seconds afterwards")
    if not PYTHON.exists():
        session.run(sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT), external=True)
    quiet = ("--quiet", "--disable-pip-version-check", "--no-compile")
    python(session, "pip", "install", *quiet, "--editable", ".[dev]")
    # pip compiles in one process. Left to the first import, every process does it again where none may write.
    packages = str(next(ENVIRONMENT.glob("lib*/python*/site-packages")))
    every = ("-m", "compileall", "-qq", "-j", "0", packages, "zsnas")
    session.run(str(PYTHON), *every, external=True, success_codes=[0, 1])  # some hold templates, not Python
    stamp.write_text(wanted)


def python(session: nox.Session, module: str, *arguments: str) -> None:
    """Run ``python -m module`` with the environment's interpreter."""
    session.run(str(PYTHON), "-m", module, *arguments, external=True)


@task
def book(session: nox.Session) -> None:
    """Refresh stale notebooks whose data is here, then build the book into _build/html."""
    python(session, "zsnas.book.pages", "refresh")
    shutil.rmtree(BOOK, ignore_errors=True)  # renamed and removed pages would stay behind
    jupyter_book = str(PYTHON.with_name("jupyter-book"))
    session.run(jupyter_book, "build", ".", "--warningiserror", "--keep-going", external=True)
    session.log(f"open {BOOK / 'index.html'}")


@task
def pdf(session: nox.Session) -> None:
    """Print the whole book as one PDF, _build/zsnas.pdf; needs Chromium."""
    jupyter_book = str(PYTHON.with_name("jupyter-book"))
    session.run(jupyter_book, "build", ".", "--builder", "singlehtml", external=True)
    # The addresses in it are those of a page at the root.
    page = Path(shutil.copy(ONE_PAGE / "notebooks" / "index.html", ONE_PAGE / "all.html"))
    print_to_pdf(session, page, BOOK.with_name("zsnas.pdf"))


def print_to_pdf(session: nox.Session, page: Path, target: Path) -> None:
    """Print a page that is a file."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium:
        session.error("no Chromium: install the package chromium, or set CHROMIUM to its path")
    session.run(
        chromium,
        *("--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"),
        "--virtual-time-budget=120000",  # until the equations are typeset
        f"--print-to-pdf={target}",
        page.as_uri(),
        external=True,
    )


@task
def course(session: nox.Session) -> None:
    """Build the edition for instructors, with solutions and exam, into _build/instructors."""
    session.env["ZSNAS_EDITION"] = "instructors"
    shutil.rmtree(INSTRUCTORS, ignore_errors=True)
    jupyter_book = str(PYTHON.with_name("jupyter-book"))
    session.run(
        jupyter_book, "build", ".", "--path-output", str(INSTRUCTORS), "--warningiserror", external=True
    )
    session.log(f"open {INSTRUCTORS / '_build' / 'html' / 'index.html'}; it is not for publication")


@task
def slides(session: nox.Session) -> None:
    """Write the slides of the lecture as HTML and, with Chromium, as PDF, into _build/course."""
    page = ROOT / "_build" / "course" / "slides.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    write = (
        f"import pathlib; from zsnas.book.course import deck; pathlib.Path({str(page)!r}).write_text(deck())"
    )
    session.run(str(PYTHON), "-c", write, external=True)
    print_to_pdf(session, page, page.with_suffix(".pdf"))


@task
def tests(session: nox.Session) -> None:
    """Run the tests, two files at a time with one thread each; arguments after -- go to pytest."""
    session.env["OMP_NUM_THREADS"] = "1"
    # Without the benchmarks' plugin, which warns that it does nothing here. Files in their order: the slowest
    # have few tests, and would come last, where one process waits for the other.
    how = ("-p", "no:benchmark", "-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")
    python(session, "pytest", *how, *session.posargs)


@task
def notebooks(session: nox.Session) -> None:
    """Run every notebook quickly, with a seed that no page shows, as many at a time as processors."""
    session.env["OMP_NUM_THREADS"] = "1"
    python(session, "zsnas.book.pages", "quick", *session.posargs)


@task
def settings(session: nox.Session) -> None:
    """Run a part of the notebooks with few networks or other seeds; the number of commits says which."""
    session.env["OMP_NUM_THREADS"] = "1"
    turn = session.posargs or [str(session.run(*COMMITS, external=True, silent=True)).strip()]
    python(session, "zsnas.book.pages", "rotating", *turn)


@task
def lint(session: nox.Session) -> None:
    """Check style and format with ruff; `nox -s lint -- --fix` repairs what it can."""
    python(session, "ruff", "check", *session.posargs)
    python(session, "ruff", "format", *([] if "--fix" in session.posargs else ["--check"]))


@task
def types(session: nox.Session) -> None:
    """Check types with mypy --strict."""
    python(session, "mypy", *session.posargs)


@task
def performance(session: nox.Session) -> None:
    """Measure the proxies against a bare forward plus backward pass; fails beyond the promised limits."""
    python(session, "pytest", "tests/performance", EVERYWHERE, "--benchmark-only", *session.posargs)


@task
def soak(session: nox.Session) -> None:
    """Kill, stop and damage sweeps and files for an hour and count what came of it; or -- --minutes 5."""
    session.env["OMP_NUM_THREADS"] = "1"
    session.run(str(PYTHON), "tests/soak.py", *session.posargs, env={"PYTHONPATH": "tests"}, external=True)


@task
def scores(session: nox.Session) -> None:
    """Compute 50 rows of every published table again, two hours of one thread; or -- TABLE --rows 10."""
    session.env["OMP_NUM_THREADS"] = "1"
    session.run(str(PYTHON), "tests/recompute.py", *session.posargs, external=True)


@task
def browser(session: nox.Session) -> None:
    """Open every built page in headless Chromium, light and dark, at two widths; SCREENSHOTS=1 keeps them."""
    how = ("-p", "no:benchmark", "-n", "2", EVERYWHERE)
    python(session, "pytest", "tests/site/test_browser.py", *how, *session.posargs)


@task
def links(session: nox.Session) -> None:
    """Check offline that the built book has all its pages and that its internal links lead somewhere."""
    python(session, "pytest", "tests/site", "--ignore=tests/site/test_browser.py", EVERYWHERE)


@task
def dataset(session: nox.Session) -> None:
    """Write all published scores as CSV, with their card and checksums, to _build/dataset and a zip of it."""
    folder = ROOT / "_build" / "dataset"
    shutil.rmtree(folder, ignore_errors=True)
    session.run(
        str(PYTHON), "-c", f"from zsnas.scores.dataset import write; write({str(folder)!r})", external=True
    )
    session.log(f"written: {shutil.make_archive(str(folder), 'zip', folder)}")


@task
def wheel(session: nox.Session) -> None:
    """Build the wheel, install it alone beside the libraries, and run the actions of a user with it."""
    built, alone = ROOT / "_build" / "wheel", ROOT / "_build" / "wheel-env"
    shutil.rmtree(built, ignore_errors=True)
    python(session, "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(built), ".")
    python(session, "venv", "--clear", str(alone))
    own, shared = (next(env.glob("lib/python*/site-packages")) for env in (alone, ENVIRONMENT))
    (own / "libraries.pth").write_text(f"{shared}\n")  # found after what is installed, and without zsnas
    fresh = str(alone / "bin" / "python")
    (package,) = map(str, built.iterdir())
    session.run(fresh, "-m", "pip", "install", "--quiet", "--no-deps", package, external=True)
    # -P: the interpreter does not look into this folder, which has a zsnas too.
    found = session.run(fresh, "-P", "-c", "import zsnas; print(zsnas.__file__)", external=True, silent=True)
    if not str(found).strip().startswith(str(own)):
        session.error(f"{found} is not the wheel in {own}")
    actions = ("tests/test_user_actions.py", "-p", "no:benchmark", *session.posargs)
    session.run(fresh, "-P", "-m", "pytest", *actions, external=True)
