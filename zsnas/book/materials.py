"""What a page works with: the truth and the scores that this machine has, or computes for it.

A page prefers published scores. It computes its own when it is run with a seed, a batch size or a benchmark
that they do not cover, or when it is told to; they go to a temporary store and never into ``data/``. What it
was told to compute again and could not finish stays under ``_build/live``, from where the next run goes on.
"""

from __future__ import annotations

import logging
import os
import tempfile
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

import zsnas.batches
import zsnas.benchmarks
import zsnas.counting
import zsnas.proxies
import zsnas.spaces
import zsnas.statistics
from zsnas.book import tables
from zsnas.scores.store import Row, ScoreStore
from zsnas.scores.sweep import Job, provenance, run_job, sweep, visited
from zsnas.scores.table import publish, published_path, read
from zsnas.scores.table import scores as published_scores
from zsnas.sources import DATA, SourceUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zsnas.benchmarks import Benchmark

EMBEDDED = zsnas.benchmarks.EMBEDDED
"""The benchmark that needs neither mirror nor network."""

DATA_SETS = {
    "digits": "scikit-learn's digits",
    "cifar10": "CIFAR-10",
    "cifar100": "CIFAR-100",
    "imagenet16-120": "ImageNet16-120",
    "photographs-64/segmentsemantic": "semantic segmentation",
    "photographs-64/normal": "surface normals",
    "photographs-64/autoencoder": "autoencoding",
    "photographs-64/class_scene": "scene classification",
    "photographs-64/class_object": "object classification",
    "photographs-64/room_layout": "room layout",
    "photographs-64/jigsaw": "jigsaw",
    "photographs-128/ade20k": "ADE20K",
}
"""How a page writes the name of a batch."""

LIVE = {"full": 100, "quick": 6}
"""How many architectures each profile scores live when `limit` does not say."""

LABELS = {
    "timm/imagenet-cnn": "timm's CNNs",
    "timm/imagenet-vit": "timm's ViTs",
    "bert/glue": "NAS-Bench-BERT as described",
    "bert/glue-trained": "NAS-Bench-BERT as trained",
}
"""What a benchmark is called whose images do not name it."""

FEW = 16
"""Up to so many architectures are scored faster by this process than by starting others."""

logger = logging.getLogger("zsnas.book.pages")


def benchmarks(*names: str) -> list[Benchmark]:
    """Return those of the benchmarks that this machine has; without any, the embedded one.

    Parameters
    ----------
    *names : str
        For example ``"nb201/cifar100"``.
    """
    found = []
    for name in names:
        try:
            found.append(zsnas.benchmarks.benchmark(name))
        except SourceUnavailable as reason:
            logger.warning("this page goes without %s: %s", name, reason)
    if not found:
        logger.warning("this page answers its question on the embedded benchmark %s instead", EMBEDDED)
    return found or [zsnas.benchmarks.benchmark(EMBEDDED)]


def known(name: str) -> Benchmark | None:
    """Return a benchmark; None when this machine lacks it, or the project has no scores of it."""
    try:
        bench = zsnas.benchmarks.benchmark(name)
    except SourceUnavailable:
        return None
    return bench if published_path(name).exists() else None


def label(bench: Benchmark) -> str:
    """Return what a benchmark is called in a figure or a sentence."""
    return DATA_SETS.get(bench.batch) or LABELS.get(bench.name, bench.name)


def with_scores(benches: Sequence[Benchmark], *, recompute: bool) -> tuple[list[Benchmark], str]:
    """Leave out the benchmarks that have no published scores yet, and say which these are.

    Beside a sample of thousands, a few scores computed live would pass for a result. All benchmarks stay when
    the page computes its scores anyway: when it is told to, or when none has published ones.

    Returns
    -------
    benches : list of Benchmark
    absent : str
        A Markdown list of those that were left out, and what to do; empty when there are none.
    """
    kept = [bench for bench in benches if published_path(bench.name).exists()]
    if recompute or not kept:
        return list(benches), ""
    absent = [bench.name for bench in benches if bench not in kept]
    lines = [
        f"- `{name}`: **not shown yet**, because none of its scores are published with this project. "
        f"`zsnas sweep {name}` computes them; `-p recompute=true` scores a few when the page is run."
        for name in absent
    ]
    return kept, "\n".join(lines)


def smallest(bench: Benchmark) -> list[str]:
    """Return the architectures whose #FLOPs are published, fewest first."""
    table = published_scores(bench.name).drop_duplicates("arch")
    return list(table.sort_values("flops", kind="stable")["arch"])


def counts(bench: Benchmark) -> pd.DataFrame:
    """Count parameters and multiply-accumulates of all networks of a benchmark, on its images.

    Returns
    -------
    DataFrame
        Of :func:`zsnas.counting.counts`.
    """
    image = zsnas.batches.batch(bench.batch, size=1)
    return zsnas.counting.counts(image.num_classes, image.images.shape[-1], bench.space)


def scores(
    bench: Benchmark,
    *,
    proxies: Sequence[str],
    seeds: Sequence[int],
    batch_size: int,
    limit: int | None,
    recompute: bool,
    profile: str,
) -> pd.DataFrame:
    """Return the scores of a page: the published ones when they cover its parameters, else live ones.

    Parameters
    ----------
    bench : Benchmark
    proxies : sequence of str
    seeds, batch_size, limit, recompute, profile
        The page's parameters. `limit` is a number of architectures drawn at random, those that a sweep with
        this limit visits; None takes all that are published, or scores as many live as `LIVE` says.

    Returns
    -------
    DataFrame
        As `zsnas.scores`, with only these seeds and this batch size. ``attrs`` also holds ``origin``, which
        says in words where the scores come from.
    """
    lack = "they are to be computed again" if recompute else _lack(bench, proxies, seeds, batch_size)
    if not lack:
        table = _selected(published_scores(bench.name, batch_size), seeds, batch_size)
        table.attrs["origin"] = "published with this project"
        return table if limit is None else _rows_of(table, visited(bench, limit))
    count = LIVE[profile] if limit is None else limit
    logger.warning("%s: scoring %d random architectures live, because %s", bench.name, count, lack)
    table = _rows_of(_live(bench, proxies, seeds, batch_size, count, recompute), visited(bench, count))
    table = _selected(table, seeds, batch_size)
    table.attrs["origin"] = f"computed when this page was run, because {lack}"
    return table


def scores_of_some(
    bench: Benchmark,
    architectures: Sequence[str],
    *,
    proxies: Sequence[str],
    seeds: Sequence[int],
    batch_size: int,
    limit: int | None,
    recompute: bool,
) -> pd.DataFrame:
    """Return the published scores, or else live ones of these architectures instead of random ones.

    For a benchmark whose random architectures may take minutes each.

    Parameters
    ----------
    bench : Benchmark
    architectures : sequence of str
        Those to score live.
    proxies : sequence of str
        Those to score live; of published scores, those that there are.
    seeds, batch_size, limit, recompute
        As for :func:`scores`.

    Returns
    -------
    DataFrame
        As :func:`scores`.
    """
    lack = "they are to be computed again" if recompute else _lack(bench, [], seeds, batch_size)
    if not lack:
        return scores(
            bench,
            proxies=[name for name in proxies if name in published_scores(bench.name, batch_size)],
            seeds=seeds,
            batch_size=batch_size,
            limit=limit,
            recompute=False,
            profile="full",
        )
    logger.warning(
        "%s: scoring %d chosen architectures live, because %s", bench.name, len(architectures), lack
    )
    live = [scored_now(bench, architectures, proxies, seed, batch_size) for seed in seeds]
    table = pd.concat(live, ignore_index=True).assign(batch_size=batch_size)
    table.attrs |= provenance(None) | {"batch_source": zsnas.batches.batch(bench.batch, size=1).source}
    table.attrs["origin"] = f"computed when this page was run, because {lack}"
    return table


def published_seeds(bench: Benchmark, batch_size: int) -> set[int]:
    """Return the seeds that a benchmark has published scores with, for a batch size; none without any."""
    if _lack(bench, [], [], batch_size):
        return set()
    return set(published_scores(bench.name, batch_size)["seed"])


def repeated(bench: Benchmark, table: pd.DataFrame) -> pd.DataFrame:
    """Return scores of architectures with several seeds, for the spread over seeds.

    Parameters
    ----------
    bench : Benchmark
    table : DataFrame
        The scores of a page; when they have a single seed, the published scores with the same batch size are
        looked through instead.

    Returns
    -------
    DataFrame
        The rows of the architectures that were scored with every seed. One seed only when there are no more.
    """
    size = int(table["batch_size"].iloc[0])
    if table["seed"].nunique() == 1 and not _lack(bench, [], [], size):
        table = _rows_of(published_scores(bench.name, size), list(bench.table["arch"]))
    seeds = table.groupby("arch")["seed"].nunique()
    return _rows_of(table, list(seeds.index[seeds == table["seed"].nunique()]))


def across_seeds(
    bench: Benchmark,
    table: pd.DataFrame,
    found: pd.DataFrame,
    networks: str,
    name: str,
    *,
    sampled_top: float = 1.0,
) -> str:
    """Write how far the correlations over all move with the seed, or that there is one seed only.

    Parameters
    ----------
    bench : Benchmark
        Of the networks to correlate over.
    table : DataFrame
        The scores of the page; :func:`repeated` looks for those with other seeds. Proxies that only these
        scores have are left out.
    found : DataFrame
        Of :func:`zsnas.correlations`, for the figure whose intervals stand beside.
    networks : str
        Which networks these are, for the caption, such as ``"one pipeline"``.
    name : str
        As for :func:`zsnas.book.tables.numbered`.
    sampled_top : float
        As for :func:`zsnas.correlations`; by default the scores are of all networks, or of a random sample.
    """
    again = repeated(bench, table)
    again = again[again["arch"].isin(bench.table["arch"])]
    seeds = ", ".join(map(str, sorted(again["seed"].unique())))
    if again["seed"].nunique() < 2:
        return f"The scores have one seed only, {seeds}. The survey averages over five."
    proxies = [name for name in found["proxy"].unique() if name in again]
    unmeasured = again.loc[again[proxies].isna().all(axis=1), "arch"]  # for want of memory, with some seed
    again = again[~again["arch"].isin(unmeasured)]
    return tables.spread_table(
        zsnas.statistics.correlations(bench, again, proxies=proxies, resamples=0, sampled_top=sampled_top),
        found,
        f"Correlation over all, {networks}: mean and standard deviation over seeds, and half of the 95 % "
        "interval over networks.",
        name,
        f"Seeds {seeds}; batch size {again['batch_size'].iloc[0]}; n networks that all seeds scored.",
    )


def scored_now(
    bench: Benchmark, architectures: Sequence[str], proxies: Sequence[str], seed: int, batch_size: int
) -> pd.DataFrame:
    """Score some architectures in this process, as a sweep does.

    Parameters
    ----------
    bench
        It has the space and the batch.
    architectures
        Strings of its space.
    proxies
        Names.
    seed
        Draws the weights and the images.
    batch_size
        Images in the batch.

    Returns
    -------
    DataFrame
        ``arch``, ``seed`` and one column per proxy.
    """
    rows = []
    for arch in architectures:
        outcome = run_job(Job.of(bench, Row(arch, seed, batch_size), proxies))
        rows.append({"arch": arch, "seed": seed} | {score.proxy: score.value for score in outcome.scores})
    return pd.DataFrame(rows, columns=["arch", "seed", *proxies])


def describe(bench: Benchmark, table: pd.DataFrame) -> str:
    """Say in Markdown what the scores of a benchmark are: how many, of which seeds, from where."""
    seeds = sorted(table["seed"].unique())
    instead = (
        ", which is embedded and stands in for what this machine lacks" if bench.name == EMBEDDED else ""
    )
    return (
        f"- `{bench.name}`{instead}: {len(bench.table):,} architectures; {table['arch'].nunique():,} of them "
        f"scored with {'seed' if len(seeds) == 1 else 'seeds'} {', '.join(map(str, seeds))}, "
        f"{table.attrs['origin']}."
    )


def made_with(table: pd.DataFrame) -> str:
    """Say for a caption what scores were made with: origin, images, machine and versions."""
    attrs = table.attrs
    return (
        f"Scores {attrs['origin']}; {attrs['batch_source']}; machine: {attrs['machine']}; "
        f"zsnas {attrs['zsnas']}, torch {attrs['torch']}."
    )


def _lack(bench: Benchmark, proxies: Sequence[str], seeds: Sequence[int], batch_size: int) -> str:
    """Say what the published scores lack; empty when they have all that is asked for."""
    try:
        table = published_scores(bench.name, batch_size)
    except FileNotFoundError:
        return "none are published for this benchmark"
    except ValueError:
        return f"none are published for a batch of {batch_size}"
    lacking = [f"seed {seed}" for seed in seeds if seed not in set(table["seed"])]
    lacking += [f"proxy {name}" for name in proxies if name not in table.columns]
    return f"the published scores have no {' and no '.join(lacking)}" if lacking else ""


def _live(
    bench: Benchmark,
    proxies: Sequence[str],
    seeds: Sequence[int],
    batch_size: int,
    count: int,
    recompute: bool,
) -> pd.DataFrame:
    with tempfile.TemporaryDirectory() as scratch:
        store, published = Path(scratch, "live.sqlite"), Path(scratch, "live.parquet")
        if recompute:
            store = _unfinished(bench, batch_size)
        if not store.exists() and (recompute or not published_seeds(bench, batch_size).intersection(seeds)):
            _start_empty(store, bench)
        workers = 1 if count * len(seeds) <= FEW else os.cpu_count() or 1
        sweep(
            bench.name,
            proxies=proxies,
            seeds=seeds,
            limit=count,
            batch_size=batch_size,
            store=store,
            workers=workers,
        )
        table = read(publish(store, bench.name, published))
    if recompute:
        store.unlink()
    return table


def _unfinished(bench: Benchmark, batch_size: int) -> Path:
    """Return where a page that is stopped leaves what it has computed, until one of the same code ends."""
    code = blake2b(digest_size=8)
    for file in sorted(Path(zsnas.proxies.__file__ or "").parent.glob("*.py")):
        code.update(file.read_bytes())
    return DATA.parent / "_build" / "live" / f"{bench.name}-{batch_size}-{code.hexdigest()}.sqlite"


def _start_empty(store: Path, bench: Benchmark) -> None:
    """Give a store its settings, so that a sweep does not first fill it with all published scores."""
    with ScoreStore(store) as opened:
        opened.start(
            {"benchmark": bench.name, "batch_source": zsnas.batches.batch(bench.batch, size=1).source}
        )


def _selected(table: pd.DataFrame, seeds: Sequence[int], batch_size: int) -> pd.DataFrame:
    rows = (table["batch_size"] == batch_size) & table["seed"].isin(seeds)
    return table[rows].reset_index(drop=True)


def _rows_of(table: pd.DataFrame, architectures: Sequence[str]) -> pd.DataFrame:
    return table[table["arch"].isin(architectures)].reset_index(drop=True)
