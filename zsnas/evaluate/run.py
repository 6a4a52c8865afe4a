"""Evaluate a proxy of one's own: how well it ranks, beside the published proxies on the same networks."""

import hashlib
import json
import math
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal, get_args

import pandas as pd
import torch
from tqdm import tqdm

from zsnas._extras import ExtraMissing
from zsnas._files import as_path
from zsnas._names import check_choice
from zsnas._numbers import as_seeds, as_whole
from zsnas._processes import Processes
from zsnas._progress_bar import progress_bar
from zsnas._version import __version__
from zsnas.batches import batch
from zsnas.batches.images import OWN as OWN_BATCHES
from zsnas.benchmarks import EMBEDDED, Benchmark, benchmark, matching_benchmarks
from zsnas.proxies import (
    NOT_MEASURED,
    ProxyFileError,
    check_placement,
    list_proxies,
    load_proxies,
    proxy,
)
from zsnas.scores._dealing import Dealer
from zsnas.scores._workers import modules_for
from zsnas.scores.store import Row, ScoreStore, StoredScore
from zsnas.scores.sweep import Answer, InProcess, Job, Task, Work, forget_images, run_task, visited
from zsnas.scores.table import published_path, scores, undefined
from zsnas.sources import SourceUnavailable
from zsnas.spaces._base import OWN as OWN_SPACES
from zsnas.statistics import SAMPLED_TOP, correlations, differences, top_architectures

Profile = Literal["quick", "full"]

QUICK = 20
"""Architectures that the profile "quick" draws from the top 5 %, and as many from the rest."""

DEFAULT = ("nb201",)
"""The benchmarks, which score a network in a tenth of a second to some; others take many seconds."""

BASELINES = ("params", "flops", "synflow", "naswot")
"""What is measured beside a proxy where there are no published scores of the same images."""

BATCH_SIZE = 64
TRIED = 3
"""After so many networks the time is estimated, and a proxy that has failed on each of them is given up."""
FAILED = (
    *("it raised ", "it returned ", "it changed "),
    *(f"{NOT_MEASURED}{how} ended" for how in ("scoring it", "its process", "its process was")),
)
"""How the reason begins where a proxy is wrong, and not undefined for a network."""

RESAMPLES = 1000


class ProxyFailed(ValueError):
    """A proxy of a user's file fails on the first networks already."""


@dataclass(frozen=True)
class Plan:
    """Which networks of a benchmark are scored, on which images."""

    bench: Benchmark
    rows: tuple[Row, ...]
    batch_source: str
    published: pd.DataFrame | None
    """The published scores of the same images; None when there are none."""
    device: str | None = None


@dataclass(frozen=True)
class Result:
    """How well proxies rank the networks of one benchmark.

    Attributes
    ----------
    bench
    yours
        Names of the proxies of the user's file.
    scores
        One row a network: ``arch``, ``seed``, a column per proxy, ``reasons``.
    correlations
        See :func:`zsnas.correlations`; the same networks for every proxy.
    differences
        Of the user's proxies to #Params, see :func:`zsnas.statistics.differences`.
    reasons
        For each of the user's proxies, why scores are NaN, or what to note of them, and how many.
    batch_size, batch_source
        The images.
    made_with
        Versions and machines of the user's scores, and of the scores beside them.
    notes
        What the reader should know, in sentences.
    """

    bench: Benchmark
    yours: tuple[str, ...]
    scores: pd.DataFrame
    correlations: pd.DataFrame
    differences: pd.DataFrame
    reasons: dict[str, dict[str, int]]
    batch_size: int
    batch_source: str
    made_with: dict[str, str]
    notes: tuple[str, ...]

    @property
    def seeds(self) -> list[int]:
        """The seeds, each of which draws weights and images."""
        return sorted(int(seed) for seed in self.scores["seed"].unique())

    @property
    def ranked(self) -> list[str]:
        """All proxies, highest Kendall's τ over all architectures first, undefined ones last."""
        table = self.correlations
        order = table[(table["statistic"] == "KT") & (table["subset"] == "all")]
        return [str(name) for name in order.sort_values("value", ascending=False, kind="stable")["proxy"]]


@dataclass(frozen=True)
class Evaluation:
    """What came of evaluating the proxies of a file, benchmark by benchmark."""

    file: Path
    source: str
    profile: Profile
    yours: tuple[str, ...]
    results: tuple[Result, ...]
    notes: tuple[str, ...]
    networks: int | None = None


def evaluate(  # noqa: PLR0913 - settings, all but three of them keyword-only
    file: str | Path,
    benchmarks: Sequence[str] | str = DEFAULT,
    profile: Profile = "quick",
    *,
    networks: int | None = None,
    seeds: Sequence[int] | int | None = None,
    batch_size: int | None = None,
    device: str | None = None,
    workers: int = 1,
    folder: str | Path = ".zsnas/evaluate",
    recompute: bool = False,
    progress: bool = True,
) -> Evaluation:
    """Score the proxies of a file on benchmarks and correlate them with accuracy, beside the published ones.

    Every proxy is compared on the same networks: same architectures, same weights, same images. Networks are
    those of a sweep (see :func:`zsnas.sweep`): isomorphic architectures share one.

    Parameters
    ----------
    file
        Python file with proxies under :func:`zsnas.register`; see :func:`zsnas.load_proxies`.
    benchmarks
        Names, with wildcards, or the first part of names: ``"nb201"``, the default, is ``"nb201/*"``. When
        the truth table of none of them can be had, the embedded ``"nb201-analog/cifar10"`` takes their place.
    profile
        ``"quick"``: 20 architectures of the top 5 % and 20 of the rest, one seed.
        ``"full"``: every network that has published scores.
    networks
        So many architectures in place of the 40 of ``"quick"``, half of them of the top 5 %.
    seeds
        Each draws weights and images. By default those of the profile: the first one, or all that have
        published scores. Where there are none of a seed, some cheap proxies are measured beside yours.
    batch_size
        By default that of the published scores; with another, the same proxies are measured beside yours.
    device
        Where to score, see :func:`zsnas.measure`; by default the processor.
    workers
        1 scores in this process; more starts that many processes of one thread each, for which a script needs
        the usual ``if __name__ == "__main__":``.
    folder
        Keeps the scores under a hash of the file and of what else decides them, such as the module of a
        search space of your own, so that a second call computes only what is missing. What these import is
        not part of the hash: see ``recompute``.
    recompute
        Forget what the folder holds of this file.
    progress
        Show a bar on standard error, after three networks an estimate of the time, and the first reason for a
        NaN as soon as it is known.

    Raises
    ------
    ProxyFileError
        When something is wrong with the file.
    ProxyFailed
        When a proxy of the file fails on each of the first three networks: it raises an error, returns no
        number, or changes the network.
    ValueError
        For an unknown benchmark or profile, for a number of networks that the profile does not take, and for
        a benchmark that holds costs alone.
    KeyboardInterrupt
        On Ctrl-C, with a message that says how much is stored and how to resume.
    """
    check_choice("profile", profile, get_args(Profile))
    half = QUICK if networks is None else as_whole("networks", networks, 4, example="120") // 2
    if networks is not None and profile == "full":
        raise ValueError('networks is for the profile "quick"; "full" takes all that have published scores')
    check_placement(device, None)
    drawn = None if seeds is None else as_seeds(seeds)
    size = None if batch_size is None else as_whole("batch_size", batch_size, 1, example="64")
    workers = as_whole("workers", workers, 1, example="2")
    folder = as_path("the folder of the scores", folder, ".zsnas/evaluate")
    yours = load_proxies(file)
    forget_images()
    benches, notes = _available(matching_benchmarks(benchmarks))
    source = _read(file)
    results = []
    with _scorers(workers, benches, str(file), source) as scorers:
        for bench in benches:
            plan = _plan(bench, profile, half, drawn, size, device)
            store = _store_path(folder, Path(file).stem, source, plan, scorers.work.threads)
            if recompute:
                store.unlink(missing_ok=True)
            baselines = _store_path(folder, "baselines", "", plan, scorers.work.threads)
            results.append(_result(plan, yours, store, baselines, scorers, progress))
    return Evaluation(Path(file), source, profile, yours, tuple(results), notes, networks)


@dataclass(frozen=True)
class _Scorers:
    """Who scores: this process when `workers` is 1, else as many processes; and how they are told to."""

    pool: Executor
    workers: int
    work: Work


@contextmanager
def _scorers(workers: int, benches: Sequence[Benchmark], file: str, source: str) -> Iterator[_Scorers]:
    if workers == 1:
        yield _Scorers(InProcess(), 1, Work(torch.get_num_threads()))
        return
    modules = dict.fromkeys(
        module for bench in benches for module in modules_for(bench.space, bench.batch, ())
    )
    pool = Processes(workers, tuple(modules))
    try:
        yield _Scorers(pool, workers, Work(1, run=partial(_run_with, file, source)))
    finally:
        pool.shutdown(cancel_futures=True)


def _run_with(file: str, source: str, task: Task) -> Answer:
    """Run a task with the proxies of a file; runs in a worker."""
    _know(file, source)
    return run_task(task)


@cache
def _know(file: str, source: str) -> None:
    load_proxies(file)
    if _read(file) != source:
        raise ProxyFileError(f"{file} was changed while it was evaluated; the same command evaluates it anew")


def _read(file: str | Path) -> str:
    return Path(file).read_text(encoding="utf-8", errors="replace")


def _available(names: Iterable[str]) -> tuple[list[Benchmark], tuple[str, ...]]:
    """Load the benchmarks that can be had, or else the embedded one; and say what is absent."""
    found, absent = [], []
    for name in names:
        try:
            found.append(benchmark(name))
        except SourceUnavailable:
            absent.append((name, "zsnas data fetch"))
        except ExtraMissing as missing:
            absent.append((name, missing.remedy))
    notes = [f"{name} is left out: its truth table is not here ({remedy})" for name, remedy in absent]
    if not found:
        notes.append(f"{EMBEDDED}, which comes with the package, takes the place of what is not here")
        found = [benchmark(EMBEDDED)]
    return found, tuple(notes)


def _plan(
    bench: Benchmark,
    profile: Profile,
    half: int,
    seeds: tuple[int, ...] | None = None,
    batch_size: int | None = None,
    device: str | None = None,
) -> Plan:
    bench.check_trained()
    published = scores(bench.name) if published_path(bench.name).exists() else None
    usual = BATCH_SIZE if published is None else int(published["batch_size"].mode()[0])
    size = batch_size or usual
    if size != usual or (published is not None and not set(seeds or ()) <= set(published["seed"])):
        published = None
    source = batch(bench.batch, size, 0).source
    if published is None or published.attrs["batch_source"] != source:
        known = visited(bench, 1000, SAMPLED_TOP)
        drawn = known if profile == "full" else _drawn(bench, set(known), half)
        chosen = tuple(Row(arch, seed, size) for seed in seeds or (0,) for arch in drawn)
        return Plan(bench, chosen, source, None, device)
    published = published[published["batch_size"] == size]
    if profile == "quick" or seeds:
        published = published[published["seed"].isin(seeds or (published["seed"].min(),))]
    if profile == "quick":
        published = published[published["arch"].isin(_drawn(bench, set(published["arch"]), half))]
    rows = (Row(str(arch), int(seed), size) for arch, seed in published[["arch", "seed"]].to_numpy())
    return Plan(bench, tuple(rows), source, published, device)


def _drawn(bench: Benchmark, known: set[str], half: int) -> list[str]:
    """Draw from the top and from the rest: the first ones of the order that sweeps visit."""
    top = set(top_architectures(bench, SAMPLED_TOP))
    order = [arch for arch in visited(bench) if arch in known]
    best, rest = ([arch for arch in order if (arch in top) is wanted][:half] for wanted in (True, False))
    return [*rest, *best]


def _store_path(folder: Path, name: str, source: str, plan: Plan, threads: int) -> Path:
    """Name a store after everything that decides the scores in it."""
    own = OWN_SPACES.edition(plan.bench.space), OWN_BATCHES.edition(plan.bench.batch)
    deciding = [source, plan.batch_source, __version__, torch.__version__, *filter(None, own)]
    deciding += [plan.device] if plan.device else []
    deciding += [f"{threads} threads"]
    digest = hashlib.sha256(json.dumps(deciding).encode()).hexdigest()[:12]
    return folder / f"{name}-{digest}" / f"{plan.bench.space}-{plan.bench.batch}.sqlite"


def _result(
    plan: Plan, yours: tuple[str, ...], store: Path, baselines: Path, scorers: _Scorers, progress: bool
) -> Result:
    own, made_with = _scored(plan, yours, store, scorers, progress)
    if plan.published is None:
        beside, with_what = _scored(plan, BASELINES, baselines, scorers, progress)
        notes = [f"there are no published scores of these images: {', '.join(BASELINES)} were measured here"]
    else:
        beside, with_what = plan.published, {k: plan.published.attrs.get(k, "") for k in made_with}
        notes = []
    known, partial = _complete(beside, yours)
    notes += _partial_notes(partial, len(beside))
    table = _joined(own, beside, yours, known)
    compared = [*yours, *known]
    return Result(
        plan.bench,
        yours,
        table,
        correlations(plan.bench, table, proxies=compared, resamples=RESAMPLES),
        _differences(plan.bench, table, yours),
        {name: _reasons(own, name) for name in yours},
        plan.rows[0].batch_size,
        plan.batch_source,
        {"yours": _words(made_with), "beside": _words(with_what)},
        tuple(notes),
    )


def _differences(bench: Benchmark, table: pd.DataFrame, yours: tuple[str, ...]) -> pd.DataFrame:
    if "params" not in table.columns:
        return pd.DataFrame(columns=["proxy", "statistic", "contrast", "value", "low", "high"])
    found = differences(bench, table, proxies=yours, resamples=RESAMPLES)
    return found[found["contrast"] == "reference"]


def _words(made_with: dict[str, str]) -> str:
    return "; ".join(f"{name} {value}" for name, value in made_with.items() if value)


def _scored(
    plan: Plan, names: tuple[str, ...], path: Path, scorers: _Scorers, progress: bool
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Score what the store lacks; return the plan's rows with what they were made with."""
    with ScoreStore(path) as store, store.locked():
        _fill(store, plan, names, scorers, progress)
        made_with = {name: ", ".join(values) for name, values in store.provenance.items()}
        return _frame(store, plan.rows, names), made_with


def _fill(store: ScoreStore, plan: Plan, names: tuple[str, ...], scorers: _Scorers, progress: bool) -> None:
    """Score the first networks, which shows whether it works and how long it takes; then the others."""
    where, told, found = plan.bench.name, set[str](), list[StoredScore]()
    job = partial(Job.of, plan.bench, device=plan.device)
    dealer = Dealer(store, names, job, scorers.work)
    missing = [row for row in plan.rows if dealer.missing(row)]
    dealer.done = len(plan.rows) - len(missing)
    with progress_bar(where, len(plan.rows), unit="net", done=dealer.done, shown=progress) as bar:

        def seen(scores: Sequence[StoredScore]) -> None:
            found.extend(scores)
            _tell_first(scores, told, bar, where)

        dealer.seen = seen
        try:
            dealer.deal(missing[:TRIED], scorers.pool, min(TRIED, scorers.workers), 1, bar)
            _check_first(found, where)
            _tell_time(dealer.seconds / scorers.workers, len(missing) - TRIED, bar)
            dealer.deal(missing[TRIED:], scorers.pool, 2 * scorers.workers, 1, bar)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(
                f"stopped: {dealer.done:,} of {len(plan.rows):,} networks of {where} are in {store.path}; "
                "the same command resumes"
            ) from None


def _check_first(found: Sequence[StoredScore], where: str) -> None:
    """Stop when a proxy has failed on each of the first networks: its author is waiting for nothing."""
    failures = Counter(score.proxy for score in found if (score.reason or "").startswith(FAILED))
    for name, count in failures.items():
        if count == TRIED and proxy(name).is_foreign:
            reason = next(score.reason for score in found if score.proxy == name)
            raise ProxyFailed(
                f"{name} failed on each of the first {TRIED} networks of {where}: {reason}; correct it, or "
                "raise zsnas.proxies.Undefined with a reason where it has no score"
            )


def _tell_time(seconds: float, left: int, bar: "tqdm[Any]") -> None:
    if left > 0 and not bar.disable:
        bar.write(
            f"{bar.desc}: {seconds:.1f} s a network, about {seconds * left / 60:.0f} min for {left:,} more",
            file=sys.stderr,
        )


def _tell_first(found: Sequence[StoredScore], told: set[str], bar: "tqdm[Any]", where: str) -> None:
    """Say at once why a proxy is NaN, or what is noted of it: its author may want to stop and correct it."""
    for score in found:
        if score.reason and score.proxy not in told and not bar.disable:
            told.add(score.proxy)
            outcome = " is NaN" if math.isnan(score.value) else ""
            bar.write(f"{where}: {score.proxy}{outcome}: {score.reason}", file=sys.stderr)


def _frame(store: ScoreStore, rows: Iterable[Row], names: Sequence[str]) -> pd.DataFrame:
    everything = store.scores()
    return pd.DataFrame([_fields(row, everything[row], names) for row in rows])


def _fields(row: Row, found: Iterable[StoredScore], names: Sequence[str]) -> dict[str, Any]:
    by_proxy = {score.proxy: score for score in found}
    reasons = {name: by_proxy[name].reason for name in names if by_proxy[name].reason}
    return {
        "arch": row.arch,
        "seed": row.seed,
        **{name: by_proxy[name].value for name in names},
        "reasons": json.dumps(reasons) if reasons else None,
    }


def _complete(beside: pd.DataFrame, yours: Sequence[str]) -> tuple[list[str], dict[str, int]]:
    """Tell the proxies that were measured on every network from the others, with how many those lack."""
    why = [undefined(reasons) for reasons in beside["reasons"]]
    lacking = {
        name: sum(math.isnan(v) and name not in own for v, own in zip(beside[name], why, strict=True))
        for name in list_proxies()
        if name in beside.columns and name not in yours
    }
    complete = [name for name, count in lacking.items() if not count]
    return complete, {name: count for name, count in lacking.items() if count}


def _partial_notes(partial: dict[str, int], total: int) -> Iterator[str]:
    if partial:
        names = ", ".join(f"{name} ({total - count:,})" for name, count in partial.items())
        yield f"left out, because not all of these {total:,} networks have a published score: {names}"


def _parsed(column: "pd.Series[Any]") -> list[dict[str, str]]:
    return [json.loads(reasons) if isinstance(reasons, str) else {} for reasons in column]


def _joined(
    own: pd.DataFrame, beside: pd.DataFrame, yours: Sequence[str], known: Sequence[str]
) -> pd.DataFrame:
    """Put the user's scores beside the others, network by network."""
    table = own.merge(
        beside[["arch", "seed", *known, "reasons"]], on=["arch", "seed"], suffixes=("", "_beside")
    )
    pairs = zip(_parsed(table["reasons"]), _parsed(table["reasons_beside"]), strict=True)
    reasons = [json.dumps(mine | others) if mine | others else None for mine, others in pairs]
    table["reasons"] = pd.Series(reasons, table.index, dtype=object)
    return table[["arch", "seed", *yours, *known, "reasons"]]


def _reasons(own: pd.DataFrame, name: str) -> dict[str, int]:
    """Count the reasons for NaN and the notes, the most frequent first."""
    counts = Counter(found[name] for found in _parsed(own["reasons"]) if name in found)
    return dict(counts.most_common())
