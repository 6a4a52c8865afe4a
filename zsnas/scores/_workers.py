"""The processes that score: what they have to import so that they know what the main process knows."""

from collections.abc import Iterator, Sequence

from zsnas._own import can_be_imported
from zsnas.batches.images import OWN as OWN_BATCHES
from zsnas.proxies import Proxy
from zsnas.spaces._base import OWN as OWN_SPACES


def modules_for(space: str, batch: str, proxies: Sequence[Proxy]) -> tuple[str, ...]:
    """Return the modules from outside this package that register what is needed to score.

    Parameters
    ----------
    space, batch, proxies
        Any may be a user's own.

    Raises
    ------
    ValueError
        When a process cannot import one of them.
    """
    needed = dict(_needed(space, batch, proxies))
    for thing, module in needed.items():
        if not can_be_imported(module):
            raise ValueError(
                f"{thing} is registered where a process cannot import it, in a notebook or a file of "
                "zsnas.load_proxies; put it into a module and import that, or let this process score, with "
                "workers=1 and without a time limit"
            )
    return tuple(dict.fromkeys(module for module in needed.values() if module != "__main__"))


def _needed(space: str, batch: str, proxies: Sequence[Proxy]) -> Iterator[tuple[str, str]]:
    """Yield what is from outside this package, in words, with its module."""
    for register, name in ((OWN_SPACES, space), (OWN_BATCHES, batch)):
        module = register.module(name)
        if module is not None:
            yield f"the {register.kind} {name!r}", module
    for proxy in proxies:
        if proxy.is_foreign:
            yield f"the proxy {proxy.name!r}", proxy.function.__module__
