"""`zsnas correlate`: correlate the scores of a sweep with the truth of its benchmark."""

import argparse
import math
from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from zsnas.cli._output import add_results, print_table, records, takes_the_place_of_tables, write_results
from zsnas.cli._parser import PROXIES, Commands, add_command, add_load, from_zero, positive, words
from zsnas.cli.scores import proxies, read

if TYPE_CHECKING:
    import pandas as pd


def add(commands: Commands) -> None:
    """Add `zsnas correlate` to the commands."""
    parser = add_command(
        commands,
        "correlate",
        _run,
        "correlate the scores of a sweep's store, or the published ones, with accuracy",
        "zsnas correlate .zsnas/sweeps/nb201/cifar100.sqlite\n  zsnas correlate nb201/cifar100 --json",
    )
    parser.add_argument("what", help="a store of zsnas sweep, or a benchmark")
    parser.add_argument(
        "--top", type=float, default=0.05, help="also among this best fraction (default: 0.05)"
    )
    parser.add_argument(
        "--batch-size", type=positive, help="of scores with several, those of this one (default: the most)"
    )
    parser.add_argument("--proxies", type=words, help=f"{PROXIES} (default: all)")
    parser.add_argument(
        "--resamples",
        type=from_zero,
        default=1000,
        help="for the intervals; 0 for none, at once (default: 1000)",
    )
    add_load(parser)
    add_results(parser)
    parser.add_argument("--no-progress", action="store_true", help="no progress bar")


def _run(options: argparse.Namespace) -> int:
    from zsnas.proxies import choose_proxies

    table = read(options.what)
    names = proxies(table) if options.proxies is None else choose_proxies(options.proxies)
    progress = not options.no_progress
    found = correlated(table, options.top, names, options.batch_size, options.resamples, progress=progress)
    if not takes_the_place_of_tables(options):
        print_correlations(found, options.top)
    about = {str(key): value for key, value in table.attrs.items()}
    if options.csv or options.json:
        write_results(options, list(records(found)), about, "correlations")
    return 0


def correlated(
    table: "pd.DataFrame",
    top: float,
    names: Sequence[str],
    batch_size: int | None = None,
    resamples: int = 0,
    *,
    progress: bool = False,
) -> "pd.DataFrame":
    """Return the correlations of proxies with the truth of their benchmark, for one batch size.

    Parameters
    ----------
    table
        Scores, as of a store.
    top
        Fraction of the best.
    names
        Proxies; those that the table lacks are left out.
    batch_size
        By default that of most scores.
    resamples
        For the intervals; without, there are none.
    progress
        Show a bar on standard error.
    """
    import pandas as pd

    from zsnas._progress_bar import progress_bar
    from zsnas.benchmarks import benchmark
    from zsnas.statistics import correlations

    if table.empty:
        raise ValueError("there are no scores yet; `zsnas sweep` with the same store computes them")
    size = batch_size or int(table["batch_size"].mode()[0])
    chosen = table[table["batch_size"] == size]
    known = [name for name in names if name in proxies(table)]
    if chosen.empty or not known:
        sizes = ", ".join(map(str, sorted(table["batch_size"].unique())))
        raise ValueError(
            f"there are no scores of {', '.join(names)} for batches of {size}; there are some of "
            f"{', '.join(proxies(table))} for batches of {sizes}"
        )
    bench = benchmark(table.attrs["benchmark"])
    found = []
    with progress_bar(bench.name, len(known), unit="proxy", shown=progress) as bar:
        for name in known:
            found.append(correlations(bench, chosen, top, [name], resamples))
            bar.update()
    return pd.concat(found, ignore_index=True)


def print_correlations(found: "pd.DataFrame", top: float) -> None:
    """Print one row a proxy, the highest Kendall's τ first."""
    by_key = {(row["proxy"], row["statistic"], row["subset"]): row for row in found.to_dict("records")}
    values = {name: by_key[name, "KT", "all"]["value"] for name in dict.fromkeys(found["proxy"])}
    order = sorted(values, key=lambda name: -math.inf if math.isnan(values[name]) else values[name])
    columns = [(statistic, subset) for statistic in ("KT", "SPR") for subset in ("all", "top")]
    titles = [f"{statistic} {subset if subset == 'all' else f'top {top:g}'}" for statistic, subset in columns]
    rows = [
        (
            str(name),
            *(_estimate(by_key[(name, *column)]) for column in columns),
            f"{by_key[name, 'KT', 'all']['n']:,}",
        )
        for name in reversed(order)
    ]
    print_table(("proxy", *titles, "networks"), rows)
    print("KT Kendall's τ, SPR Spearman's ρ of score and accuracy, 1 is the best; brackets: 95 % intervals")


def _estimate(row: Mapping[Hashable, Any]) -> str:
    if math.isnan(row["value"]):
        return "undefined"
    if math.isnan(row["low"]):
        return f"{row['value']:z.2f}"
    return f"{row['value']:z.2f} [{row['low']:z.2f}, {row['high']:z.2f}]"
