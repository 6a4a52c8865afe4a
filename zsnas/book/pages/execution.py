"""Execute a notebook with papermill, so that executing it again without a change leaves the same bytes."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import tempfile
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zsnas.book.pages import recorder
from zsnas.book.pages.export import export, restore
from zsnas.book.pages.page import Page, page
from zsnas.book.pages.parameters import defaults, typed
from zsnas.book.pages.provenance import provenance, source_digest
from zsnas.book.pages.references import References

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nbformat import NotebookNode
    from papermill.exceptions import PapermillExecutionError

DETERMINISTIC = {
    "SOURCE_DATE_EPOCH": "0",  # matplotlib writes this date instead of today's into an SVG
    "PYTHONHASHSEED": "0",
    "PYTHONWARNINGS": "ignore:IProgress not found",  # tqdm, when pooch imports it: the pages hold no widgets
}
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
KEPT_CELL_METADATA = ("tags", "mystnb", "slideshow")


class NotebookError(RuntimeError):
    """A notebook was not executed to its end, or not with one state of the code."""


def run(
    name: str,
    parameters: Mapping[str, Any] | None = None,
    profile: str = "full",
    output: Path | str | None = None,
    *,
    progress: bool = True,
    warm: bool = False,
) -> Path:
    """Execute a notebook and return the path of the result.

    With default parameters the result is the book's page, ``notebooks/NAME.ipynb``. Any other execution goes
    to ``_build/notebooks`` under a name that tells its parameters, and never replaces the book's page.

    Parameters
    ----------
    name : str
        One of `list_notebooks`.
    parameters : mapping, optional
        Values by name, typed or as text: ``{"seeds": "7,8", "recompute": "true", "limit": 100}``.
    profile : str
        ``"full"``, what the book shows, or ``"quick"``, under a minute on two cores.
    output : path, optional
        Where to write instead.
    progress : bool
        Whether to show a progress bar, one step a cell, in the terminal.
    warm : bool
        Whether to fork the page's process from one that has loaded the libraries, which saves seconds for all
        pages but the first; on Linux only.

    Raises
    ------
    ValueError
        When the notebook or a parameter is unknown, a value cannot be read, or `output` is the book's page
        while the parameters are not its own.
    NotebookError
        When a cell fails, with the cell's error; when its process dies; when code of the package is changed
        meanwhile.
    """
    here = page(name)
    source, notebook = source_digest(here), here.read()
    default = {**defaults(notebook, name), **here.parameters}
    chosen = typed({"profile": profile, **(parameters or {})}, default, name)
    target = _target(here, chosen, output)
    executed, recorded = _execute(here, notebook, chosen, progress=progress, warm=warm)
    _strip(executed)
    executed.metadata["zsnas"] = provenance(name, source, _code(notebook), {**default, **chosen}, recorded)
    _write(export(executed, name, References(here.project)), target)
    return target


def export_again(name: str) -> None:
    """Write the text of the book's page anew, from its MyST and without executing it."""
    here = page(name)
    notebook = here.read_executed()
    restore(notebook)
    _write(export(notebook, name, References(here.project)), here.executed)


def _code(notebook: NotebookNode) -> str:
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")


def _target(here: Page, chosen: dict[str, Any], output: Path | str | None) -> Path:
    from zsnas._files import checked_file  # not with the recorder, before which nothing else is loaded

    usual = here.variant(chosen) if chosen else here.executed
    target = checked_file("the executed notebook", output, ".ipynb", makes_folder=True) if output else usual
    if chosen and target.resolve() == here.executed.resolve():
        raise ValueError(
            f"{target} is the book's page, made with default parameters only; "
            f"write this execution elsewhere, for instance to {usual}"
        )
    return target


def _execute(
    here: Page, notebook: NotebookNode, chosen: dict[str, Any], *, progress: bool, warm: bool
) -> tuple[NotebookNode, dict[str, Any]]:
    """Return the executed notebook, and what its kernel recorded."""
    import ipykernel  # noqa: F401 - which papermill starts
    import papermill
    from papermill.exceptions import PapermillExecutionError
    from traitlets.config import Config

    notebook.metadata["kernelspec"] = KERNEL
    with (
        tempfile.TemporaryDirectory() as scratch,
        _environment(**{recorder.RECORD: f"{scratch}/record.json"}),
    ):
        try:
            executed: NotebookNode = papermill.execute_notebook(
                notebook,
                f"{scratch}/unfinished.ipynb",
                parameters={**here.parameters, **chosen},
                kernel_name="python3",
                progress_bar={"desc": here.name, "unit": "cell"} if progress else False,
                stderr_file=sys.stderr if progress else None,
                request_save_on_cell_execute=False,
                cwd=here.source.parent,
                record_timing=False,
                extra_arguments=["--IPKernelApp.log_level=CRITICAL", f"--ext={recorder.__name__}"],
                # Nothing is left to do for a kernel, which takes seconds to end by itself.
                config=Config(
                    KernelManager=_sockets(scratch), NotebookClient={"shutdown_kernel": "immediate"}
                ),
                **_kernels(warm),
            )
        except PapermillExecutionError as error:
            raise NotebookError(_readable_failure(here, error)) from None
        except RuntimeError as error:  # nbclient's, of a kernel that died, or that did not start
            raise NotebookError(
                f"the process of notebook '{here.name}' ({here.source}) ended before its last cell ({error}) "
                "as one does that takes more memory than there is; run it again, and with fewer networks "
                "or a smaller batch if it ends again"
            ) from error
        recorded = json.loads(Path(scratch, "record.json").read_text(encoding="utf-8"))
    _check_unchanged(here, recorded["texts"])
    return executed, recorded


def _kernels(warm: bool) -> dict[str, type]:
    if not (warm and sys.platform == "linux"):
        return {}
    from zsnas.book.pages.warm import WarmKernelManager

    return {"kernel_manager_class": WarmKernelManager}


def _sockets(folder: str) -> dict[str, str]:
    """Kernels that start together may find the same port free; a file in a folder of its own is theirs."""
    return {} if sys.platform == "win32" else {"transport": "ipc", "ip": f"{folder}/kernel"}


def _check_unchanged(here: Page, texts: dict[str, str]) -> None:
    """Refuse a page during whose execution someone wrote to the code, of which it may have run any state."""
    for file, digest in texts.items():
        if hashlib.sha256((here.project / "zsnas" / file).read_bytes()).hexdigest() != digest:
            raise NotebookError(f"zsnas/{file} was changed while notebook '{here.name}' ran; run it again")


@contextmanager
def _environment(**further: str) -> Iterator[None]:
    wanted = DETERMINISTIC | further
    before = {key: os.environ.get(key) for key in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                del os.environ[key]
            else:
                os.environ[key] = value


def _readable_failure(here: Page, error: PapermillExecutionError) -> str:
    source = "\n".join(f"    {line}" for line in error.source.strip().splitlines())
    trace = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(error.traceback))
    return (
        f"notebook '{here.name}' ({here.source}) failed with {error.ename}: {error.evalue}\n"
        f"in its code cell {error.exec_count}:\n{source}\n\n{trace}"
    )


def _strip(notebook: NotebookNode) -> None:
    """Remove what differs between executions: times, paths, versions, progress bars, random cell ids."""
    notebook.metadata = type(notebook.metadata)(
        kernelspec=KERNEL,
        language_info={"name": "python", "file_extension": ".py", "mimetype": "text/x-python"},
    )
    seen: Counter[str] = Counter()
    for cell in notebook.cells:
        cell.metadata = {key: cell.metadata[key] for key in KEPT_CELL_METADATA if key in cell.metadata}
        cell.id = _identity(cell.source, seen)
        if "injected-parameters" in cell.metadata.get("tags", ()):
            cell.metadata["tags"] = [*cell.metadata["tags"], "hide-input"]
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if not _is_progress(output)]


def _identity(source: str, seen: Counter[str]) -> str:
    digest = hashlib.sha256(source.encode()).hexdigest()[:12]
    seen[digest] += 1
    return f"{digest}-{seen[digest]}"


def _is_progress(output: NotebookNode) -> bool:
    return output.output_type == "stream" and output.name == "stderr" and "\r" in output.text


def _write(notebook: NotebookNode, target: Path) -> None:
    import nbformat

    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.unfinished")
    nbformat.validate(notebook)
    unfinished.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    unfinished.replace(target)
