"""The register of proxies: what each is called, how its score is read, where it comes from."""

from __future__ import annotations

import importlib
import math
import pkgutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from zsnas._names import matching, unknown
from zsnas.proxies._passes import Passes, Statistics
from zsnas.proxies._undefined import Undefined, reason_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    import torch
    from torch import nn

    from zsnas.batches import Batch

Kind = Literal["naive", "gradient-based", "gradient-free"]
Target = Literal["expressivity", "generalization", "trainability"]

Function = Callable[[Passes], float]

_REGISTER: dict[str, Proxy] = {}


class Measurement(NamedTuple):
    """The outcome of one proxy on one network."""

    value: float
    """The score; NaN when the proxy is undefined for this network."""
    reason: str | None
    """Why the value is NaN, in words; ``None`` when it is a number."""
    seconds: float
    """Time spent; a pass that several proxies share counts for the first one that asked for it."""


@dataclass(frozen=True)
class Proxy:
    """A zero-shot proxy: a score of an untrained network that stands in for its accuracy after training."""

    name: str
    label: str
    """The name as the survey prints it."""
    higher_is_better: bool
    """Whether a higher score predicts a higher accuracy."""
    kind: Kind
    """``"naive"`` counts parameters or operations; the others follow the survey's Table II."""
    target: tuple[Target, ...]
    """What the proxy is meant to measure (the survey's section 2.1)."""
    equation: str
    """Label of its formula in the book."""
    reference: str
    """Key of its source in the book's bibliography."""
    function: Function
    statistics: Statistics = "batch"
    """What batch norm normalises by in the passes of this proxy."""
    variant_of: str | None = None
    """The proxy that this one is another reading of, such as the formula that the survey prints."""

    def __call__(self, passes: Passes) -> Measurement:
        """Score the network behind ``passes``; an undefined score is NaN with its reason."""
        start = time.perf_counter()
        try:
            value, reason = float(self.function(passes)), None
            if not math.isfinite(value):
                value, reason = math.nan, f"the score is {value}, not a finite number"
        except Undefined as undefined:
            value, reason = math.nan, str(undefined)
        except RuntimeError as error:  # from torch, such as eigenvalues that do not converge
            value, reason = math.nan, reason_of(error, "it cannot be computed")
        return Measurement(value, reason, time.perf_counter() - start)


def register(
    *,
    label: str,
    higher_is_better: bool,
    kind: Kind,
    target: tuple[Target, ...],
    equation: str = "",
    reference: str = "",
    statistics: Statistics = "batch",
) -> Callable[[Function], Function]:
    """Register the decorated function, a pure function of :class:`Passes`, under its own name.

    The fields are those of :class:`Proxy`; one that no book describes has neither equation nor reference.

    Raises
    ------
    ValueError
        When the name is taken, or ``kind``, ``target`` or ``statistics`` is not one of the valid values.
    """
    _check("kind", (kind,), get_args(Kind))
    _check("target", target, get_args(Target))
    _check("statistics", (statistics,), get_args(Statistics))

    def add(function: Function) -> Function:
        name = function.__name__
        _add(Proxy(name, label, higher_is_better, kind, target, equation, reference, function, statistics))
        return function

    return add


def register_variant(
    of: str,
    *,
    label: str,
    name: str | None = None,
    equation: str | None = None,
    statistics: Statistics | None = None,
) -> Callable[[Function], Function]:
    """Register another reading of the proxy ``of``, from which it takes what is not given here.

    The name is that of the decorated function, which may be the proxy's own when ``name`` tells them apart.
    """
    original = _REGISTER[of] if of in _REGISTER else proxy(of)

    def add(function: Function) -> Function:
        _add(
            replace(
                original,
                name=name or function.__name__,
                label=label,
                equation=equation or original.equation,
                function=function,
                statistics=statistics or original.statistics,
                variant_of=of,
            )
        )
        return function

    return add


def _add(added: Proxy) -> None:
    if not added.function.__module__.startswith("zsnas.proxies."):
        _load()  # the names of the package are taken, whether it has been used or not
    if added.name in _REGISTER:
        raise ValueError(
            f"a proxy named {added.name!r} is already registered; give the function another name"
        )
    _REGISTER[added.name] = added


def _check(field: str, given: tuple[str, ...], valid: tuple[str, ...]) -> None:
    for value in given:
        if value not in valid:
            raise ValueError(f"unknown {field} {value!r}; valid are {', '.join(valid)}")


@cache
def _load() -> None:
    """Import every proxy file of this package, each of which registers its proxies."""
    package = importlib.import_module("zsnas.proxies")
    for module in pkgutil.iter_modules(package.__path__):
        if not module.name.startswith("_"):
            importlib.import_module(f"zsnas.proxies.{module.name}")


def list_proxies(pattern: str = "*", *, kind: Kind | None = None, target: Target | None = None) -> list[str]:
    """Return the names of the proxies, sorted; ``pattern`` takes wildcards as in ``"*grad*"``."""
    _load()
    if kind is not None:
        _check("kind", (kind,), get_args(Kind))
    if target is not None:
        _check("target", (target,), get_args(Target))
    return [
        name
        for name in matching(_REGISTER, pattern)
        if kind in (None, _REGISTER[name].kind) and target in (None, *_REGISTER[name].target)
    ]


def proxy(name: str) -> Proxy:
    """Return the proxy called ``name``.

    Raises
    ------
    UnknownNameError
        A ``ValueError`` with the closest valid name, when there is no such proxy.
    """
    _load()
    if name not in _REGISTER:
        raise unknown("proxy", name, _REGISTER, "zsnas.list_proxies()")
    return _REGISTER[name]


def measure(
    model: nn.Module,
    batch: Batch,
    proxies: Iterable[str] | None = None,
    seed: int = 0,
    device: str | torch.device | None = None,
    dtype: str | torch.dtype | None = None,
) -> dict[str, Measurement]:
    """Score an untrained network with several proxies, which share their passes through it.

    Parameters
    ----------
    model
        Takes images (batch, channels, height, width) to logits (batch, classes), or to what the task of the
        batch asks for. It is not changed.
    batch
        Images with their labels, or with the targets of another task, see :class:`zsnas.Batch`.
    proxies
        Names; ``None`` means every proxy.
    seed
        For the proxies that draw random numbers. The global generators are not touched. What is drawn is the
        same on every device.
    device
        ``"cpu"``, ``"cuda"`` (``"cuda:1"``) or ``"mps"``; by default where the network is. The network stays
        there: a copy of it moves, with the images.
    dtype
        ``"float32"`` or ``"float64"``; by default the network's own, but for half precision, which is scored
        in single.

    Raises
    ------
    ValueError
        When a proxy is unknown, or a device or precision cannot be had.

    Returns
    -------
    dict
        Name of each proxy to its :class:`Measurement`, in the order asked for.
    """
    selected = [proxy(name) for name in (list_proxies() if proxies is None else proxies)]
    try:
        network = Passes(model, batch, seed, device=device, dtype=dtype)
    except Undefined as undefined:
        return {chosen.name: Measurement(math.nan, str(undefined), 0.0) for chosen in selected}
    measured: dict[str, Measurement] = {}
    for statistics in get_args(Statistics):  # one after the other, so that only one graph is in memory
        passes = network.using(statistics)
        measured |= {chosen.name: chosen(passes) for chosen in selected if chosen.statistics == statistics}
    return {chosen.name: measured[chosen.name] for chosen in selected}


def score(
    model: nn.Module,
    batch: Batch,
    proxies: Iterable[str] | None = None,
    seed: int = 0,
    device: str | torch.device | None = None,
    dtype: str | torch.dtype | None = None,
) -> dict[str, float]:
    """Return the scores of an untrained network; as :func:`measure`, without reasons and times.

    ``proxies=None`` means every proxy that applies: those that are undefined for this network are left out.
    Proxies asked for by name are always in the result, NaN when undefined.
    """
    measured = measure(model, batch, proxies, seed, device, dtype)
    return {name: m.value for name, m in measured.items() if proxies is not None or not math.isnan(m.value)}
