"""What a proxy costs, in units of a bare forward plus backward pass of the same network and batch.

``python -m zsnas.book.studies.cost`` measures every proxy alone and the survey's twelve together, on the
largest network of NAS-Bench-201 with a batch of 64. It writes the table that the book shows,
``data/performance.csv``, and the one in the README, and takes some minutes on a machine that does nothing
else. ``--readme`` only writes the README's table again.
"""

from __future__ import annotations

import argparse
import copy
import itertools
import math
import os
import platform
import statistics
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import torch
import torch.nn.functional as F
from torch.profiler import ProfilerActivity, profile
from tqdm import tqdm

import zsnas.batches
import zsnas.proxies
import zsnas.spaces
from zsnas._files import checked_file
from zsnas._version import __version__
from zsnas.book.studies.kinds import originals
from zsnas.book.tables import intervals, linked_label, number
from zsnas.book.verdicts import Outcome, Verdict, labels
from zsnas.proxies import label_of, measure
from zsnas.sources import DATA

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from torch import nn

    from zsnas.batches import Batch

__all__ = [
    "LARGEST",
    "TABLE",
    "TOGETHER",
    "TWELVE",
    "alone",
    "applicable",
    "costs",
    "found",
    "groups",
    "label",
    "listing",
    "made_with",
    "readme",
    "without_gradients_is_cheaper",
    "without_value",
]

LARGEST = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|"
"""The cell with six 3×3 convolutions."""

TWELVE = (
    *("grad_norm", "snip", "synflow", "grasp", "gradsign", "fisher"),
    *("jacob_cov", "ntk_cond", "zen_score", "linear_regions", "logdet", "nn_mass"),
)
"""The twelve proxies of the survey's Table II, which are those of its sections 2.2 and 2.3.

NN-Mass does not apply to the cells that are measured: it costs what finding that out costs.
"""

BY_IMAGE = "ntk_cond_printed"
"""NTK_Cond as the survey's Eq. 12 reads. The original code has batch norm couple the images, so that
every image needs a backward pass through the whole batch, which no shared pass can save."""

TOGETHER = {
    "twelve": TWELVE,
    "twelve_by_image": tuple(BY_IMAGE if name == "ntk_cond" else name for name in TWELVE),
}
"""The sets of proxies that are measured in one call, by the name of their row."""

TABLE = DATA / "performance.csv"
"""Where the measured costs are committed."""

README = Path(__file__).parents[3] / "README.md"
START, END = "<!-- performance: python -m zsnas.book.studies.cost -->\n", "<!-- end of performance -->\n"

BATCH_SIZE = 64
ROUNDS = 5
SECONDS = 20.0  # after which no further round is started: NTK_Cond takes about fifty bare passes


def label(name: str) -> str:
    """Name a row of the table: a proxy, or a set of :data:`TOGETHER`."""
    if name not in TOGETHER:
        return label_of(name)
    together = "the survey’s twelve together"
    return f"{together}, with {label_of(BY_IMAGE)}" if BY_IMAGE in TOGETHER[name] else together


def applicable(network: nn.Module, batch: Batch, proxies: Iterable[str] | None = None) -> list[str]:
    """Return the proxies that have a value for a network; by default all originals and :data:`BY_IMAGE`.

    Parameters
    ----------
    network
        Takes the images to logits.
    batch
        Images with labels.
    proxies
        Names to choose from.
    """
    names = [*originals(), BY_IMAGE] if proxies is None else list(proxies)
    measured = measure(network, batch, names)
    return [name for name, found in measured.items() if not math.isnan(found.value)]


def groups(names: Iterable[str]) -> dict[str, list[str]]:
    """Return what to measure: each proxy alone, then the sets of :data:`TOGETHER`."""
    return {name: [name] for name in names} | {name: list(members) for name, members in TOGETHER.items()}


def costs(
    network: nn.Module,
    batch: Batch,
    measured: Mapping[str, Sequence[str]],
    rounds: int = ROUNDS,
    seconds: float = SECONDS,
    *,
    progress: bool = False,
) -> pd.DataFrame:
    """Measure what groups of proxies cost, each group in one call.

    In each round the bare pass (forward and backward of a training step, channels-last) is measured just
    before the proxies, so that whatever else the machine does meets both. A first call of each group, which
    is not timed, warms up and finds its memory.

    Parameters
    ----------
    network : nn.Module
    batch : Batch
    measured : mapping of sequence of str
        The proxies of each group, by the name of its row.
    rounds : int
    seconds : float
        A group starts no further round after these seconds; each has one at least.
    progress : bool
        Show a bar on standard error.

    Returns
    -------
    DataFrame
        One row per group:

        - ``proxy``: its name;
        - ``cost``, ``low``, ``high``: median, smallest and largest of the rounds, in bare passes;
        - ``seconds``: median;
        - ``memory``: the most bytes of tensors that are alive at once, beyond those before the call, as a
          multiple of the same for the bare pass; it leaves out what a kernel allocates for itself;
        - ``rounds``, ``batch_size``, ``machine``, ``torch``, ``zsnas``.
    """
    bare = _bare_pass(network, batch)
    bare()
    unit = _peak_bytes(bare)
    rows = []
    for name, proxies in tqdm(measured.items(), disable=not progress, desc="cost", unit="group"):
        work = partial(measure, network, batch, proxies)
        memory = _peak_bytes(work) / unit
        rows.append({"proxy": name, **_cost(work, bare, rounds, seconds), "memory": memory})
    return pd.DataFrame(rows).assign(
        batch_size=len(batch.images),
        machine=f"{platform.machine()}, {os.cpu_count()} cores, torch threads: {torch.get_num_threads()}",
        torch=torch.__version__,
        zsnas=__version__,
    )


def found(
    profile: str, seeds: Sequence[int], batch_size: int, limit: int | None, *, recompute: bool
) -> pd.DataFrame:
    """Return the committed costs, or those measured now, as ``attrs["origin"]`` says.

    Parameters
    ----------
    profile : str
        "quick" measures the survey's proxies on a small batch, one round.
    seeds : sequence of int
        The first one draws the weights and the images.
    batch_size : int
    limit : int, optional
        So many proxies beside the survey's, when measured now.
    recompute : bool
        Measure all now.
    """
    quick = profile == "quick"
    if not (quick or recompute or batch_size != BATCH_SIZE or seeds[0] != 0):
        table = pd.read_csv(TABLE)
        table.attrs["origin"] = "Measured by python -m zsnas.book.studies.cost"
        return table
    size = min(batch_size, 8) if quick else batch_size
    images, few = (zsnas.batches.batch("cifar100", size=n, seed=seeds[0]) for n in (size, 4))
    network = zsnas.spaces.space("nb201").build(LARGEST, images.num_classes, seeds[0])
    names = applicable(network, few, ["params", *TWELVE, BY_IMAGE] if quick else None)
    of_survey = [name for name in names if name in (*TWELVE, BY_IMAGE)]
    others = [name for name in names if name not in of_survey]
    table = costs(network, images, groups([*of_survey, *others[:limit]]), rounds=1 if quick else ROUNDS)
    table.attrs["origin"] = "Measured when this page was run"
    return table


def made_with(table: pd.DataFrame) -> str:
    """Say for a caption what was measured where, of :func:`found`."""
    rounds, made = table["rounds"], table.iloc[0]
    return (
        f"Batch size {made['batch_size']}; median of {rounds.min()} to {rounds.max()} rounds, fewest for the "
        f"slowest. {table.attrs['origin']}; {made['machine']}; torch {made['torch']}, zsnas {made['zsnas']}."
    )


def listing(table: pd.DataFrame) -> pd.DataFrame:
    """Write what each row of :func:`found` costs, cheapest first."""
    order = table.sort_values("cost", kind="stable")
    names = [label(name) if name in TOGETHER else linked_label(name) for name in order["proxy"]]
    cells = {
        "bare passes": intervals(order, "cost"),
        "rounds": order["rounds"].to_list(),
        "seconds": order["seconds"].map(number).to_list(),
        "memory": order["memory"].map(number).to_list(),
        "kind": ["" if name in TOGETHER else zsnas.proxies.proxy(name).kind for name in order["proxy"]],
    }
    return pd.DataFrame(cells, pd.Index(names, name="Proxy"))


def alone(table: pd.DataFrame, name: str) -> float:
    """Add up what the members of a set of :data:`TOGETHER` cost one by one, in bare passes.

    Members that have no row, because they do not apply to the network, add nothing.
    """
    return float(table.loc[table["proxy"].isin(TOGETHER[name]), "cost"].sum())


def without_value(table: pd.DataFrame) -> list[str]:
    """Return those of the survey's twelve that do not apply to the network, and so have no row."""
    return [name for name in TWELVE if name not in set(table["proxy"])]


def without_gradients_is_cheaper(statement: str, place: str, table: pd.DataFrame) -> Verdict:
    """Judge whether every gradient-free proxy of the survey costs less than every gradient-based one.

    Parameters
    ----------
    statement, place : str
        Of the survey, see :class:`zsnas.book.verdicts.Verdict`.
    table : DataFrame
        Of :func:`costs`.
    """
    cost = table.set_index("proxy")["cost"]
    free, based = (
        cost[[name for name in TWELVE if name in cost.index and zsnas.proxies.proxy(name).kind == kind]]
        for kind in ("gradient-free", "gradient-based")
    )
    reading = (
        "Read as: of the survey's twelve, every gradient-free proxy costs less than every gradient-based "
        "one; agrees in part if only the median does."
    )
    if free.empty or based.empty:
        return Verdict(statement, place, "cannot be compared", f"{reading} One of the kinds is not measured.")
    outcome: Outcome = "agrees in part" if free.median() < based.median() else "differs"
    outcome = "agrees" if free.max() < based.min() else outcome
    spans = (
        f"The gradient-free ones, which are only {len(free)} ({labels(free.index)}), cost {_span(free)}, "
        f"the {len(based)} gradient-based ones {_span(based)}."
    )
    return Verdict(statement, place, outcome, f"{reading} {spans}")


def _span(cost: pd.Series[float]) -> str:
    low, middle, high = map(number, (cost.min(), cost.median(), cost.max()))
    return f"from {low} to {high} bare passes (median {middle})"


def _bare_pass(network: nn.Module, batch: Batch) -> Callable[[], object]:
    model = copy.deepcopy(network).to(memory_format=torch.channels_last).train()
    images = batch.images.to(memory_format=torch.channels_last)
    return lambda: torch.autograd.grad(
        F.cross_entropy(model(images), batch.labels), tuple(model.parameters()), allow_unused=True
    )


def _cost(
    work: Callable[[], object], bare: Callable[[], object], rounds: int, limit: float
) -> dict[str, float]:
    times: list[tuple[float, float]] = []
    while not times or (len(times) < rounds and sum(map(sum, times)) < limit):
        times.append((_seconds(bare), _seconds(work)))
    ratios = [mine / unit for unit, mine in times]
    return {
        "cost": statistics.median(ratios),
        "low": min(ratios),
        "high": max(ratios),
        "seconds": statistics.median(mine for _, mine in times),
        "rounds": len(times),
    }


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _peak_bytes(work: Callable[[], object]) -> int:
    """Return the most bytes that tensors allocated by `work` take at once."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True, acc_events=False) as profiler:
        work()
    events = profiler.profiler.kineto_results.events()  # in the order of time
    changes = (event.nbytes() for event in events if event.name() == "[memory]")  # negative when freed
    return max(itertools.accumulate(changes), default=0)


def readme(text: str, table: pd.DataFrame) -> str:
    """Return the text of the README with the table between its two marks."""
    before, rest = text.split(START)
    _, after = rest.split(END)
    return f"{before}{START}{_markdown(table)}{END}{after}"


def _markdown(table: pd.DataFrame) -> str:
    """Write the twelve, most expensive first, and the sets as a table for the README."""
    is_set = table["proxy"].isin(list(TOGETHER))
    of_sets = table["proxy"].isin([name for members in TOGETHER.values() for name in members])
    rows = pd.concat([table[of_sets].sort_values("cost", ascending=False), table[is_set]])
    columns = (
        map(label, rows["proxy"]),
        intervals(rows, "cost"),
        (number(alone(table, name), 1) if name in TOGETHER else "" for name in rows["proxy"]),
        (number(memory, 1) for memory in rows["memory"]),
    )
    made, rounds = table.iloc[0], table["rounds"]
    does_not_apply = [f" {label(name)} does not apply to this network." for name in without_value(table)]
    note = (
        f"In bare passes: the forward and backward pass of a training step of the same network, six 3×3 "
        f"convolutions a cell, and the same {made['batch_size']} images of CIFAR-100, measured in turns with "
        f"the proxies; median [smallest, largest] of {rounds.min()} to {rounds.max()} rounds. "
        f"Memory is that of tensors. As printed: by the survey's Eq. 12. {made['machine']}; "
        f"torch {made['torch']}, zsnas {made['zsnas']}.{''.join(does_not_apply)}"
    )
    return "\n".join(
        [
            "| proxy | cost | one by one | memory |",
            "|---|--:|--:|--:|",
            *(f"| {' | '.join(cells)} |" for cells in zip(*columns, strict=True)),
            "",
            note,
            "",
        ]
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what applies to the largest network, and write the book's table and the README's."""
    parser = argparse.ArgumentParser(
        prog="python -m zsnas.book.studies.cost", description="Measure what proxies cost."
    )
    parser.add_argument("--readme", action="store_true", help="only write the README from the last table")
    parser.add_argument("--to", type=Path, default=TABLE, help="another table, which leaves the book's alone")
    options = parser.parse_args(arguments)
    target = checked_file("a table of costs", options.to, ".csv")
    if not options.readme:
        network = zsnas.spaces.space("nb201").build(LARGEST, 100, 0)
        names = applicable(network, zsnas.batches.batch("cifar100", size=4, seed=0))
        batch = zsnas.batches.batch("cifar100", size=BATCH_SIZE, seed=0)
        os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # the profiler would write through the progress bar
        costs(network, batch, groups(names), progress=True).round(4).to_csv(target, index=False)
    if target != TABLE:
        return
    README.write_text(readme(README.read_text(encoding="utf-8"), pd.read_csv(TABLE)), encoding="utf-8")


if __name__ == "__main__":
    main()
