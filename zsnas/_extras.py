"""Packages that only some of the work needs: extras of ``pyproject.toml``, and what to say without them."""

from collections.abc import Iterator
from contextlib import contextmanager


class ExtraMissing(ModuleNotFoundError):
    """A package of an extra is not installed; the message says how to install it.

    Attributes
    ----------
    remedy
        The command that installs it.
    """

    def __init__(self, what: str, package: str, extra: str) -> None:
        self.remedy = f"pip install 'zsnas[{extra}]'"
        super().__init__(f"{what} needs the package {package}, which is not installed: {self.remedy}")


@contextmanager
def needing(extra: str, what: str) -> Iterator[None]:
    """Say which extra to install when an import in the body of the ``with`` lacks its package.

    Raises
    ------
    ExtraMissing
        A ``ModuleNotFoundError`` in one sentence.
    """
    try:
        yield
    except ExtraMissing:
        raise
    except ModuleNotFoundError as error:
        raise ExtraMissing(what, str(error.name), extra) from error
