"""The register of proxies: what each is called, how its score is read, where it comes from."""

from __future__ import annotations

import importlib
import math
import pkgutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, wraps
from inspect import signature
from itertools import chain
from typing import TYPE_CHECKING, Literal, ParamSpec, TypeVar, cast, get_args

import numpy as np
import torch

from zsnas._listed import card
from zsnas._names import as_known, as_names, check_choice, matching
from zsnas._numbers import as_seed, as_whole
from zsnas.batches.images import check_batch
from zsnas.proxies._arguments import check_model, misfit
from zsnas.proxies._copying import why_opaque
from zsnas.proxies._foreign import is_foreign, watched
from zsnas.proxies._measurements import Measurement, Measurements
from zsnas.proxies._passes import Passes, Statistics
from zsnas.proxies._placement import check_placement
from zsnas.proxies._undefined import NOTE, Undefined, raised, reason_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pandas as pd
    from torch import nn

    from zsnas.batches import Batch

Kind = Literal["naive", "gradient-based", "gradient-free"]
Target = Literal["expressivity", "generalization", "trainability"]

Function = Callable[[Passes], float]

_P = ParamSpec("_P")
_T = TypeVar("_T")

_REGISTER: dict[str, Proxy] = {}


DEFAULT = (
    "params",
    "flops",
    "l2_norm",
    "grad_norm",
    "snip",
    "synflow",
    "jacob_cov",
    "naswot",
    "swap",
    "zen_score",
)
"""What ``"default"`` stands for: counts, and proxies that together cost a few training steps."""


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
    images_per_class: int = 1
    """How many images of a class it compares; its batch is drawn with as many, see :func:`zsnas.batch`."""
    variant_of: str | None = None
    """The proxy that this one is another reading of, such as the formula that the survey prints."""

    @property
    def purpose(self) -> str:
        """What it returns, in the first line of its docstring."""
        return next(iter((self.function.__doc__ or "").strip().splitlines()), "")

    def _repr_html_(self) -> str:
        about = (
            ("name", self.name),
            ("better", "higher" if self.higher_is_better else "lower"),
            ("kind", self.kind),
            ("target", ", ".join(self.target) or "–"),
            ("source", self.reference or "–"),
        )
        return card(self.label, self.purpose, about)

    @property
    def orientation(self) -> float:
        """1 or -1, with which to multiply scores so that higher is better."""
        return 1.0 if self.higher_is_better else -1.0

    @property
    def is_foreign(self) -> bool:
        """Whether it was registered from outside this package."""
        return is_foreign(self.function)

    def __call__(self, passes: Passes) -> Measurement:
        """Score the network behind ``passes``; what is undefined or fails is NaN, with its reason.

        A proxy that is not of this package is undefined when it changes the passes, and draws its random
        numbers from ``passes.seed``.
        """
        start = time.perf_counter()
        passes.notes.clear()
        try:
            returned = watched(self.function, passes) if self.is_foreign else self.function(passes)
            value = as_number(returned)
            reason = f"{NOTE}{'; '.join(passes.notes)}" if passes.notes else None
            if not math.isfinite(value):
                value, reason = math.nan, f"the score is {value}, not a finite number"
        except Undefined as undefined:
            value, reason = math.nan, str(undefined) or "it is undefined, and its author does not say why"
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 (one proxy must not take the others with it, nor leave)
            value, reason = math.nan, raised(error)
        return Measurement(value, reason, time.perf_counter() - start)


def as_number(returned: object) -> float:
    """Return what a proxy returned as a float: a number, or a tensor or an array with one element.

    Raises
    ------
    Undefined
        For anything else, with what to do about it. A truth value is a comparison, and text is text, even if
        Python would make a number of them.
    """
    shape = getattr(returned, "shape", ())
    if math.prod(shape) != 1:
        raise Undefined(
            f"it returned a {type(returned).__name__.lower()} of shape {tuple(shape)}; "
            "return one number, such as its .sum()"
        )
    if isinstance(returned, torch.Tensor | np.ndarray | np.generic):
        returned = returned.item()
    if isinstance(returned, bool | str | bytes) or not hasattr(returned, "__float__"):
        raise Undefined(f"it returned {type(returned).__name__}; return one number")
    return float(returned)


def _with_arguments(decorator: Callable[_P, _T]) -> Callable[_P, _T]:
    """Say in a sentence that a decorator was written without its arguments, or without some of them."""

    @wraps(decorator)
    def checked(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            signature(decorator).bind(*args, **kwargs)
        except TypeError as error:
            raise ValueError(
                f"zsnas.{decorator.__name__} takes its arguments by name ({error}); write "
                "@zsnas.register(label='Mine', higher_is_better=True, kind='gradient-free', target=())"
            ) from None
        return decorator(*args, **kwargs)

    return checked


@_with_arguments
def register(  # noqa: PLR0913 - what is known of a proxy, all of it keyword-only
    *,
    label: str,
    higher_is_better: bool,
    kind: Kind,
    target: tuple[Target, ...],
    equation: str = "",
    reference: str = "",
    statistics: Statistics = "batch",
    images_per_class: int = 1,
) -> Callable[[Function], Function]:
    """Register the decorated function, a pure function of :class:`zsnas.proxies.Passes`, under its name.

    Parameters
    ----------
    label
        As figures and tables print it.
    higher_is_better
        Whether a higher score predicts a higher accuracy.
    kind
        ``"naive"``, ``"gradient-based"`` or ``"gradient-free"``.
    target
        What it is meant to measure: any of ``"expressivity"``, ``"generalization"``, ``"trainability"``.
    equation, reference
        Label of its formula and key of its source in the book; one that no book describes has neither.
    statistics
        What batch norm normalises by: ``"batch"``, ``"running"`` or ``"sample"``, each image by itself.
    images_per_class
        How many images of one class it compares: its batch is drawn with as many.

    Raises
    ------
    ValueError
        When an argument is missing or not one of the valid values, and when the name is taken by another
        module (the same one, or a notebook, may define it again).
    """
    for what, text in (("label", label), ("equation", equation), ("reference", reference)):
        if not isinstance(text, str):
            raise ValueError(f"the {what} of a proxy is {text!r}; it must be text")
    if not isinstance(higher_is_better, bool):
        raise ValueError(f"higher_is_better of a proxy is {higher_is_better!r}; it must be True or False")
    check_choice("kind", kind, get_args(Kind))
    given: object = target
    aims = tuple(given) if isinstance(given, list | tuple | set) else (given,)
    for aim in aims:
        check_choice("target", aim, get_args(Target))
    check_choice("statistics", statistics, get_args(Statistics))
    each = as_whole("images_per_class", images_per_class, 1, example="2")

    def add(function: Function) -> Function:
        about = (function.__name__, label, higher_is_better, kind, cast("tuple[Target, ...]", aims))
        _add(Proxy(*about, equation, reference, function, statistics, each))
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

    Parameters
    ----------
    of
        Name of the registered proxy.
    label
        As figures and tables print it.
    name
        By default that of the decorated function.
    equation
        Label of its formula in the book.
    statistics
        What batch norm normalises by: ``"batch"``, ``"running"`` or ``"sample"``, each image by itself.
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
    if added.is_foreign:
        _load()  # the names of the package are taken, whether it has been used or not
    taken = _REGISTER.get(added.name)
    if taken is not None and not (added.is_foreign and _have_one_home(taken, added)):
        raise ValueError(
            f"a proxy named {added.name!r} is already registered; give the function another name"
        )
    _REGISTER[added.name] = added


def _have_one_home(taken: Proxy, added: Proxy) -> bool:
    """Tell whether a notebook or a module defines its own proxy again."""
    return taken.function.__module__ == added.function.__module__


@cache
def _load() -> None:
    """Import every proxy file of this package, each of which registers its proxies."""
    package = importlib.import_module("zsnas.proxies")
    for module in pkgutil.iter_modules(package.__path__):
        if not module.name.startswith("_"):
            importlib.import_module(f"zsnas.proxies.{module.name}")


def list_proxies(pattern: str = "*", *, kind: Kind | None = None, target: Target | None = None) -> list[str]:
    """Return the names of the proxies, sorted.

    Parameters
    ----------
    pattern
        Shell wildcards, as in ``"*grad*"``.
    kind
        Only those of this kind: ``"naive"``, ``"gradient-based"`` or ``"gradient-free"``.
    target
        Only those that aim at ``"expressivity"``, ``"generalization"`` or ``"trainability"``.
    """
    _load()
    if kind is not None:
        check_choice("kind", kind, get_args(Kind))
    if target is not None:
        check_choice("target", target, get_args(Target))
    return [
        name
        for name in matching(_REGISTER, pattern)
        if kind in (None, _REGISTER[name].kind) and target in (None, *_REGISTER[name].target)
    ]


def listing(pattern: str = "*") -> pd.DataFrame:
    """Return a table of the proxies: label, what is better, kind, target, and the first line of what it says.

    Parameters
    ----------
    pattern
        Shell wildcards.
    """
    import pandas as pd

    found = [_REGISTER[name] for name in list_proxies(pattern)]
    rows = [
        (p.label, "higher" if p.higher_is_better else "lower", p.kind, ", ".join(p.target), p.purpose)
        for p in found
    ]
    names = pd.Index([p.name for p in found], name="proxy", dtype=object)
    return pd.DataFrame(rows, index=names, columns=["label", "better", "kind", "target", "purpose"])


def proxy(name: str) -> Proxy:
    """Return the proxy called ``name``.

    Raises
    ------
    UnknownNameError
        A ``ValueError`` with the closest valid name, when there is no such proxy.
    """
    _load()
    return _REGISTER[as_known("proxy", name, _REGISTER, "zsnas.list_proxies()")]


def choose_proxies(given: Iterable[str] | str | None) -> tuple[str, ...]:
    """Return the names of proxies that a user asks for, each once.

    Parameters
    ----------
    given
        Names, shell wildcards such as ``"*flow*"``, ``"default"`` (:data:`DEFAULT`), or ``"all"``; one or
        several. ``None`` means all.

    Raises
    ------
    UnknownNameError
        A ``ValueError``, for a name or a wildcard that no proxy has.
    """
    if given is None:
        return tuple(list_proxies())
    return tuple(dict.fromkeys(name for text in as_names("proxies", given) for name in _meant_by(text)))


def _meant_by(text: str) -> Sequence[str]:
    if text == "default":
        return DEFAULT
    return list_proxies("*" if text == "all" else text) or [proxy(text).name]


def label_of(name: object) -> str:
    """Return what figures and tables call the proxy called ``name``, such as #Params for ``params``."""
    return proxy(str(name)).label


def measure(
    model: nn.Module,
    batch: Batch,
    proxies: Iterable[str] | str | None = None,
    seed: int = 0,
    device: str | torch.device | None = None,
    dtype: str | torch.dtype | None = None,
) -> Measurements:
    """Score an untrained network with several proxies; as :func:`zsnas.measure`, without the memory it takes.

    Parameters
    ----------
    model, batch, proxies, seed, device, dtype
        As of :func:`zsnas.measure`.
    """
    names = choose_proxies(proxies)
    measured = dict(measurements(model, batch, names, seed, device, dtype))
    return Measurements((name, measured[name]) for name in names)


def measurements(
    model: nn.Module,
    batch: Batch,
    proxies: Iterable[str] | str | None = None,
    seed: int = 0,
    device: str | torch.device | None = None,
    dtype: str | torch.dtype | None = None,
) -> Iterator[tuple[str, Measurement]]:
    """Return the name and the measurement of each proxy as soon as it is there; as :func:`measure` otherwise.

    Arguments are checked at once. The order is that of the passes.

    Parameters
    ----------
    model, batch, proxies, seed, device, dtype
        As of :func:`measure`.
    """
    check_model(model)
    check_batch(batch)
    seed = as_seed(seed)
    selected = [proxy(name) for name in choose_proxies(proxies)]
    check_placement(device, dtype)

    def prepared() -> Passes:
        with torch.inference_mode(False):
            own = replace(batch, images=batch.images.clone(), labels=batch.labels.clone())
            return Passes(model, own, seed, device=device, dtype=dtype)

    together = [chosen for chosen in selected if not chosen.is_foreign]
    # What one from outside does to its copy of the network is nothing to the others.
    alone = [[chosen] for chosen in selected if chosen.is_foreign]
    return chain.from_iterable(_measured(group, prepared) for group in (together, *alone))


def _measured(selected: list[Proxy], prepare: Callable[[], Passes]) -> Iterator[tuple[str, Measurement]]:
    """Measure proxies that share the passes through one copy of the network."""
    if not selected:
        return
    try:
        network = prepare()
    except Exception as error:  # noqa: BLE001 (a network may raise anything)
        is_told = isinstance(error, Undefined)
        why = str(error) if is_told else reason_of(error, "the network cannot be prepared")
        yield from ((chosen.name, Measurement(math.nan, why, 0.0)) for chosen in selected)
        return
    opaque = why_opaque(network.model)
    for statistics in get_args(Statistics):  # one after the other, so that only one graph is in memory
        passes = network.using(statistics)
        for chosen in selected:
            if chosen.statistics != statistics:
                continue
            if opaque and chosen.kind != "naive":
                yield chosen.name, Measurement(math.nan, opaque, 0.0)
            else:
                yield chosen.name, chosen(passes)


def score(
    model: nn.Module,
    batch: Batch,
    proxies: Iterable[str] | str | None = None,
    seed: int = 0,
    device: str | torch.device | None = None,
    dtype: str | torch.dtype | None = None,
) -> dict[str, float]:
    """Return the scores of an untrained network; as :func:`measure`, without reasons and times.

    Parameters
    ----------
    model
        Takes images (batch, channels, height, width), series or tokens to logits (batch, classes), or to what
        the task of the batch asks for. It is not changed.
    batch
        Images with their labels, or with the targets of another task.
    proxies
        Names, or a single one, with wildcards; ``"default"`` means those that cost little; ``None``, every
        proxy that applies: those that are undefined for this network are left out. Those asked for are always
        in the result, NaN when undefined.
    seed
        A whole number from 0, for the proxies that draw random numbers.
    device
        ``"cpu"``, ``"cuda"`` (``"cuda:1"``) or ``"mps"``; by default where the network is.
    dtype
        ``"float32"`` or ``"float64"``; by default the network's own, single precision for half.

    Raises
    ------
    ValueError
        As :func:`measure`; with ``proxies=None`` also when the network and the batch do not fit together, as
        with 10 outputs and 100 classes or another number of channels, and when no proxy applies.
    """
    measured = measure(model, batch, proxies, seed, device, dtype)
    if proxies is not None:
        return {name: m.value for name, m in measured.items()}
    found = {name: m.value for name, m in measured.items() if not math.isnan(m.value)}
    if len(found) < len(measured) and (why := misfit(model, batch, device, dtype)):
        raise ValueError(f"the network cannot be scored on this batch: {why}")
    return found
