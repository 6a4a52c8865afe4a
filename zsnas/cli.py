"""The `zsnas` command: proxies, benchmarks, data, scores, sweeps and notebooks from the shell.

Every command is a small function over the library; libraries load inside the command that needs them.
Exit status: 0 done, 1 a check failed, 2 bad input (one sentence on the standard error), 130 interrupted.
"""

import argparse
import os
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from zsnas import __version__

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from torch import nn

    from zsnas.evaluate import Evaluation, Result
    from zsnas.proxies import Proxy

Command = Callable[[argparse.Namespace], int]
Commands: TypeAlias = "_SubParsersAction[argparse.ArgumentParser]"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    options = _parser().parse_args(arguments)
    run: Command = options.run
    with _notices_in_one_line():
        try:
            status = run(options)
            sys.stdout.flush()
        except BrokenPipeError:
            # The reader of a pipe has left; without this, the interpreter complains when it flushes at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        except KeyboardInterrupt as interrupt:
            return _complain(str(interrupt) or "interrupted", 130)
        except (ValueError, OSError, ImportError) as error:
            return _complain(str(error), 2)
    return status


def _complain(message: str, status: int) -> int:
    print(f"zsnas: {' '.join(message.split())}", file=sys.stderr)
    return status


@contextmanager
def _notices_in_one_line() -> Iterator[None]:
    """Show a warning as its sentence, without the line of code that raised it."""
    usual = warnings.formatwarning
    warnings.formatwarning = lambda message, *_, **__: f"zsnas: note: {message}\n"
    try:
        yield
    finally:
        warnings.formatwarning = usual


def _proxies(options: argparse.Namespace) -> int:
    from zsnas.proxies import list_proxies, proxy

    found = [proxy(name) for name in list_proxies(options.pattern, kind=options.kind, target=options.target)]
    _print_table(
        ("name", "label", "better", "kind", "target", "source"),
        [
            (
                f"{indent}{p.name}",
                p.label,
                _better(p.higher_is_better),
                p.kind,
                ", ".join(p.target) or "–",
                p.reference or "–",
            )
            for indent, p in _with_variants(found)
        ],
    )
    return 0


def _with_variants(proxies: "Sequence[Proxy]") -> "Iterator[tuple[str, Proxy]]":
    """Yield proxies with their indentation: a variant below its original, if that is among them."""
    names = {p.name for p in proxies}
    for original in proxies:
        if original.variant_of not in names:
            yield "", original
            yield from (("  ", p) for p in proxies if p.variant_of == original.name)


def _better(higher: bool) -> str:
    return "higher" if higher else "lower"


def _benchmarks(options: argparse.Namespace) -> int:
    from zsnas.benchmarks import list_benchmarks

    names = list_benchmarks(options.pattern)
    if options.details:
        _print_table(
            ("name", "rows", "best", "space", "batch", "licence"), [_details(name) for name in names]
        )
    else:
        print("\n".join(names))
    return 0


def _details(name: str) -> tuple[str, ...]:
    from zsnas.benchmarks import benchmark
    from zsnas.sources import SourceUnavailable

    try:
        bench = benchmark(name)
    except SourceUnavailable:
        return name, "", "unavailable: zsnas data fetch", "", "", ""
    best = f"{bench.table[bench.metric].max():.2f} {bench.unit}" if bench.metric else "–"
    return bench.name, str(len(bench.table)), best, bench.space or "–", bench.batch or "–", bench.licence


def _data_list(options: argparse.Namespace) -> int:
    from zsnas.sources import source

    entries = [source(name) for name in _sources(options.names)]
    _print_table(("name", "bytes", "licence"), [(e.name, f"{e.bytes:,}", e.licence) for e in entries])
    return 0


def _data_fetch(options: argparse.Namespace) -> int:
    fetched = [_fetched(name) for name in _sources(options.names)]
    return 0 if all(fetched) else 2


def _fetched(name: str) -> bool:
    """Fetch one file and say where it is, or why it cannot be had."""
    from zsnas.sources import SourceCorruptError, SourceUnavailable, fetch

    try:
        print(f"{name}  {fetch(name, progress=True)}")
    except (SourceUnavailable, SourceCorruptError) as error:
        _complain(str(error), 2)
        return False
    return True


def _data_verify(options: argparse.Namespace) -> int:
    outcomes = [(name, *_verified(name)) for name in _sources(options.names)]
    _print_table(("name", "state", "where or why"), outcomes)
    return int(any(state == "corrupt" for _, state, _ in outcomes))


def _verified(name: str) -> tuple[str, str]:
    from zsnas.sources import SourceCorruptError, SourceUnavailable, verify

    try:
        return "right", str(verify(name))
    except SourceUnavailable:
        return "absent", "neither in the mirror nor in the cache"
    except SourceCorruptError as error:
        return "corrupt", str(error)


def _data_cite(options: argparse.Namespace) -> int:
    from zsnas.sources import cite

    for name in _sources(options.names):
        print(f"{name}: {cite(name)}")
    return 0


def _sources(patterns: Sequence[str]) -> list[str]:
    """Return the sources that match any of the patterns; a pattern that matches none is an error."""
    from zsnas.sources import list_sources, source

    found: dict[str, None] = {}
    for pattern in patterns or ["*"]:
        matches = list_sources(pattern) or [source(pattern).name]
        found.update(dict.fromkeys(matches))
    return list(found)


def _score(options: argparse.Namespace) -> int:
    from zsnas.batches import batch
    from zsnas.models import fit, model
    from zsnas.proxies import load_proxies, measure, proxy

    for file in options.proxy_file:
        load_proxies(file)
    names = None if options.proxies is None else [proxy(name).name for name in options.proxies]
    images = batch(options.batch, options.size, options.seed)
    network = model(options.model, images.num_classes, options.seed)
    images = fit(images, network, options.model, options.input_size, options.device)
    shape = "×".join(map(str, images.images.shape))
    print(f"{options.model}, {images.num_classes} classes, random weights of seed {options.seed}")
    print(f"batch {shape}: {images.source}\n")
    measured = measure(network, images, names, options.seed, options.device, options.dtype)
    rows = [(name, f"{m.value:.6g}", f"{m.seconds:.3f}", m.reason or "") for name, m in measured.items()]
    _print_table(("proxy", "value", "seconds", "reason"), rows)
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    from zsnas.evaluate import DEFAULT, evaluate
    from zsnas.evaluation_page import page

    output = Path(options.output or f"{Path(options.file).stem}.html")
    if not output.parent.is_dir():
        raise ValueError(f"there is no folder {str(output.parent)!r}; make it, or choose another --output")
    evaluation = evaluate(
        options.file,
        options.benchmarks or DEFAULT,
        options.profile,
        recompute=options.recompute,
        progress=not options.no_progress,
    )
    output.write_text(page(evaluation), encoding="utf-8")
    for note in evaluation.notes:
        print(f"note: {note}")
    for result in evaluation.results:
        _print_result(evaluation, result)
    print(f"the page with figure, table and how it was made is {output}")
    return 0


def _print_result(evaluation: "Evaluation", result: "Result") -> None:
    from zsnas.evaluation_page import TITLES, cells, nan_reasons, verdicts

    seeds = "seed" if len(result.seeds) == 1 else "seeds"
    print(
        f"{result.bench.name}: {len(result.scores):,} networks, {seeds} {', '.join(map(str, result.seeds))}, "
        f"batches of {result.batch_size}: {result.batch_source}"
    )
    rows = [(f"{'→' if row[0] in result.yours else ' '} {row[0]}", *row[1:]) for row in cells(result)]
    titles = (f"  {TITLES[0]}", *TITLES[1:])
    for columns in _fitting(titles, rows):
        _print_table([titles[k] for k in columns], [[row[k] for k in columns] for row in rows])
    print(f"→ from {evaluation.file.name}; KT Kendall's τ, SPR Spearman's ρ, with 95 % intervals")
    for sentence in (*verdicts(result), *nan_reasons(result), *result.notes):
        print(f"- {sentence}")
    print()


def _fitting(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[tuple[int, ...], ...]:
    """Choose columns: one table, or where the terminal is too narrow for it one table a statistic."""
    width = sum(max(map(len, column)) + 2 for column in zip(titles, *rows, strict=True))
    if not sys.stdout.isatty() or width <= shutil.get_terminal_size().columns:
        return (tuple(range(len(titles))),)
    return (0, 1, 2, 5, 6), (0, 3, 4, 5, 6)


def _sweep(options: argparse.Namespace) -> int:
    from zsnas.score_table import publish
    from zsnas.sweep import sweep

    store = sweep(
        options.benchmark,
        proxies=options.proxies,
        seeds=options.seeds,
        limit=options.limit,
        top=options.top,
        batch_size=options.batch_size,
        store=options.store,
        workers=options.workers,
        progress=not options.no_progress,
        device=options.device,
    )
    print(f"scores are in {store}")
    if options.publish:
        print(f"published as {publish(store, options.benchmark)}")
    return 0


def _search(options: argparse.Namespace) -> int:
    from zsnas.search import search

    found = search(
        options.space,
        proxies=options.proxies,
        algorithm=options.algorithm,
        steps=options.steps,
        macs=options.macs * 1e6,
        batch_name=options.batch,
        batch_size=options.batch_size,
        image_size=options.image_size,
        seed=options.seed,
        checkpoint=options.checkpoint,
        progress=not options.no_progress,
    )
    best = found.history[found.history["arch"] == found.arch].iloc[0]
    print(f"{found.arch}  (best of {found.history['arch'].nunique():,} architectures)")
    rows = [(name, f"{best[name]:.6g}") for name in ("parameters", "macs", *options.proxies)]
    _print_table(("of it", "value"), rows)
    print(f"scoring took {found.history['seconds'].sum() / 60:.1f} minutes")
    if options.output:
        as_parquet = str(options.output).endswith(".parquet")
        write = found.history.to_parquet if as_parquet else found.history.to_csv
        write(options.output, index=False)
        print(f"every step is in {options.output}")
    return 0


def _latency(options: argparse.Namespace) -> int:
    from zsnas.batches import batch
    from zsnas.benchmarks import benchmark
    from zsnas.hardware import kernels
    from zsnas.hardware.measure import measure_all, published_path
    from zsnas.score_table import scores
    from zsnas.spaces import space
    from zsnas.sweep import visited

    if options.what == "kernels":
        names, table, column = kernels.sampled()[: options.limit], "kernels", "kernel"
        build: Callable[[str], tuple[nn.Module, tuple[int, ...]]] = kernels.build
    else:
        bench = benchmark(options.what)
        bench.check_trained()
        images = batch(bench.batch, size=1)
        names, table, column = visited(bench, options.limit), bench.space, "arch"
        if options.scored:
            scored = set(scores(bench.name)["arch"])
            names = [arch for arch in names if arch in scored]

        def build_architecture(arch: str) -> "tuple[nn.Module, tuple[int, ...]]":
            return space(bench.space).build_for(arch, images, 0), tuple(images.images.shape[1:])

        build = build_architecture

    path = options.table or published_path(table)
    found = measure_all(names, build, path, column=column, progress=not options.no_progress)
    print(f"{len(found):,} latencies are in {path}")
    return 0


def _notebooks_list(options: argparse.Namespace) -> int:
    from zsnas.notebooks import list_notebooks

    print("\n".join(list_notebooks(options.pattern)))
    return 0


def _notebooks_run(options: argparse.Namespace) -> int:
    from zsnas.notebooks import NotebookError, run

    try:
        result = run(options.name, dict(options.parameters), options.profile, options.output)
    except NotebookError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"executed as {result}")
    return 0


def _notebooks_check(_: argparse.Namespace) -> int:
    from zsnas.notebooks import StaleNotebooks, check

    try:
        check()
    except StaleNotebooks as error:
        print(error, file=sys.stderr)
        return 1
    print("every executed page follows from its source and its inputs")
    return 0


def _print_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print columns, each as wide as its widest cell; the last one is not padded."""
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    for row in (titles, *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="zsnas", description="Zero-shot neural architecture search: rank networks before training them."
    )
    parser.add_argument("--version", action="version", version=f"zsnas {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_proxies(commands)
    _add_benchmarks(commands)
    _add_data(commands)
    _add_score(commands)
    _add_evaluate(commands)
    _add_sweep(commands)
    _add_search(commands)
    _add_latency(commands)
    _add_notebooks(commands)
    return parser


def _command(
    commands: Commands, name: str, run: Command, purpose: str, example: str
) -> argparse.ArgumentParser:
    """Add a command with its purpose and an example in its help."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=purpose,
        description=f"{purpose[0].upper()}{purpose[1:]}.",
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def _add_proxies(commands: Commands) -> None:
    parser = _command(
        commands,
        "proxies",
        _proxies,
        "list the proxies, variants below their original",
        "zsnas proxies\n"
        "  zsnas proxies '*grad*' --target trainability\n"
        "  zsnas proxies --kind gradient-free    (what needs no backward pass)",
    )
    parser.add_argument("pattern", nargs="?", default="*", help="names with wildcards (default: all)")
    parser.add_argument("--kind", help="naive, gradient-based or gradient-free")
    parser.add_argument("--target", help="expressivity, generalization or trainability")


def _add_benchmarks(commands: Commands) -> None:
    parser = _command(
        commands, "benchmarks", _benchmarks, "list the benchmarks", "zsnas benchmarks 'nb201/*' --details"
    )
    parser.add_argument("pattern", nargs="?", default="*", help="names with wildcards (default: all)")
    parser.add_argument("--details", action="store_true", help="load each table and describe it")


def _add_data(commands: Commands) -> None:
    parser = commands.add_parser("data", help="third-party files: list, fetch, verify, cite")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    for name, run, purpose, example in (
        ("list", _data_list, "list the known files", "zsnas data list 'freerea/*'"),
        (
            "fetch",
            _data_fetch,
            "get files from the mirror or the network, and check them",
            "zsnas data fetch 'freerea/*'",
        ),
        (
            "verify",
            _data_verify,
            "check the local copies; exit status 1 when one is corrupt",
            "zsnas data verify",
        ),
        (
            "cite",
            _data_cite,
            "say how to cite files, with their licences",
            "zsnas data cite 'hw-nas-bench/*'",
        ),
    ):
        action = _command(actions, name, run, purpose, example)
        action.add_argument("names", nargs="*", metavar="NAME", help="names with wildcards (default: all)")


def _add_score(commands: Commands) -> None:
    parser = _command(
        commands,
        "score",
        _score,
        "score one network at random initialisation",
        "zsnas score timm:resnet18 --batch cifar100 --size 64 --seed 0 --proxies synflow,snip\n"
        "  zsnas score torchvision:resnet50\n"
        "  zsnas score my_networks:build_small_cnn    (a function in my_networks.py, here)\n"
        "  zsnas score timm:resnet18 --proxy-file my_proxy.py    (your proxies too)",
    )
    parser.add_argument("model", help="timm:NAME, torchvision:NAME or MODULE:FUNCTION")
    parser.add_argument("--batch", default="cifar100", help="images to score on (default: cifar100)")
    parser.add_argument("--size", type=int, default=64, help="images in the batch (default: 64)")
    parser.add_argument("--seed", type=int, default=0, help="draws weights, images and probes (default: 0)")
    parser.add_argument("--proxies", type=_words, help="names, separated by commas (default: all)")
    parser.add_argument(
        "--proxy-file",
        action="append",
        default=[],
        metavar="FILE",
        help="a Python file whose proxies (under @zsnas.register) are scored too; may be given several times",
    )
    parser.add_argument(
        "--input-size",
        type=_positive,
        metavar="PIXELS",
        help="resize the images to this height and width (default: their own size, "
        "or the model's default input size when the model does not take that)",
    )
    parser.add_argument(
        "--device", help="cpu, cuda, cuda:1 and so on, or mps (default: where the model is, mostly the cpu)"
    )
    parser.add_argument(
        "--dtype", help="float32 or float64 (default: that of the model, float32 for half precision)"
    )


def _add_evaluate(commands: Commands) -> None:
    parser = _command(
        commands,
        "evaluate",
        _evaluate,
        "correlate the proxies of your own file with accuracy, beside the published ones",
        "zsnas evaluate my_proxy.py --benchmarks nb201 --profile quick\n"
        "  zsnas evaluate my_proxy.py --benchmarks nb201/cifar100 --profile full --output report.html",
    )
    parser.add_argument("file", help="a Python file with proxies under @zsnas.register(…)")
    parser.add_argument(
        "--benchmarks",
        type=_words,
        metavar="NAMES",
        help="names with wildcards or their first part, separated by commas (default: nb201)",
    )
    parser.add_argument(
        "--profile",
        default="quick",
        help="quick: 120 architectures a benchmark, about two minutes for three benchmarks on a laptop; "
        "full: all that have published scores, an hour or more (default: quick)",
    )
    parser.add_argument(
        "--output", metavar="PAGE", help="where the HTML page goes (default: FILE.html, here)"
    )
    parser.add_argument("--recompute", action="store_true", help="score again what .zsnas/evaluate holds")
    parser.add_argument("--no-progress", action="store_true", help="no progress bar")


def _add_sweep(commands: Commands) -> None:
    parser = _command(
        commands,
        "sweep",
        _sweep,
        "score the architectures of a benchmark; the same command resumes a stopped one",
        "zsnas sweep nb201/cifar100 --proxies params,synflow --seeds 0,1 --limit 1000 --top 0.05",
    )
    parser.add_argument("benchmark", help="such as nb201/cifar100; zsnas benchmarks lists them")
    parser.add_argument("--proxies", type=_words, help="names, separated by commas (default: all)")
    parser.add_argument(
        "--seeds", type=_numbers, default=[0], help="numbers, separated by commas (default: 0)"
    )
    parser.add_argument("--limit", type=int, help="architectures to draw at random (default: all)")
    parser.add_argument(
        "--top", type=float, default=0.0, help="add the best fraction, such as 0.05 (default: 0)"
    )
    parser.add_argument("--batch-size", type=int, default=64, help="images in a batch (default: 64)")
    parser.add_argument(
        "--store", help="file that keeps the scores (default: .zsnas/sweeps/BENCHMARK.sqlite)"
    )
    parser.add_argument("--workers", type=int, default=1, help="processes (default: 1)")
    parser.add_argument("--device", help="cpu, cuda, cuda:1 and so on, or mps (default: cpu)")
    parser.add_argument("--no-progress", action="store_true", help="no progress bar")
    parser.add_argument("--publish", action="store_true", help="then write data/scores/BENCHMARK.parquet")


def _add_search(commands: Commands) -> None:
    parser = _command(
        commands,
        "search",
        _search,
        "look for the architecture of a space that proxies rank highest, under a budget",
        "zsnas search proxyless --proxies synflow --macs 600 --image-size 224 --checkpoint synflow.jsonl\n"
        "  zsnas search nb201 --batch cifar100 --proxies zen_score,params --algorithm local --steps 200",
    )
    parser.add_argument("space", help="such as proxyless or nb201")
    parser.add_argument(
        "--proxies", type=_words, required=True, help="names, separated by commas; ranks of several add up"
    )
    parser.add_argument("--algorithm", default="evolution", help="evolution, local or random")
    parser.add_argument(
        "--steps", type=_positive, default=10_000, help="architectures to propose (default: 10000)"
    )
    parser.add_argument(
        "--macs", type=float, default=float("inf"), metavar="MILLIONS", help="budget (default: none)"
    )
    parser.add_argument(
        "--image-size",
        type=_positive,
        metavar="PIXELS",
        help="side of the images that the budget is for (default: that of the batch)",
    )
    parser.add_argument("--batch", default="imagenet1k", help="images to score on (default: imagenet1k)")
    parser.add_argument("--batch-size", type=_positive, default=16, help="images in the batch (default: 16)")
    parser.add_argument("--seed", type=int, default=0, help="draws all that is random (default: 0)")
    parser.add_argument("--checkpoint", metavar="FILE", help="keeps every score; a killed search resumes")
    parser.add_argument(
        "--output", metavar="FILE", help="write every step as CSV or, to NAME.parquet, Parquet"
    )
    parser.add_argument("--no-progress", action="store_true", help="no progress bar")


def _add_latency(commands: Commands) -> None:
    parser = _command(
        commands,
        "latency",
        _latency,
        "time networks on this machine, which should do nothing else; the same command resumes a stopped one",
        "zsnas latency nats-sss/imagenet16-120 --scored\n  zsnas latency kernels",
    )
    parser.add_argument("what", help="a benchmark, such as nb201/cifar10, or kernels")
    parser.add_argument("--limit", type=_positive, help="networks to draw at random (default: all)")
    parser.add_argument("--scored", action="store_true", help="only architectures with published scores")
    parser.add_argument("--table", help="file that keeps the latencies (default: data/latency/SPACE.parquet)")
    parser.add_argument("--no-progress", action="store_true", help="no progress bar")


def _add_notebooks(commands: Commands) -> None:
    parser = commands.add_parser("notebooks", help="the book's notebooks: list, run, check")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    listing = _command(actions, "list", _notebooks_list, "list the notebooks", "zsnas notebooks list")
    listing.add_argument("pattern", nargs="?", default="*", help="names with wildcards (default: all)")
    _add_notebooks_run(actions)
    _command(
        actions,
        "check",
        _notebooks_check,
        "fail when an executed page is stale or too large",
        "zsnas notebooks check",
    )


def _add_notebooks_run(actions: Commands) -> None:
    parser = _command(
        actions,
        "run",
        _notebooks_run,
        "execute a notebook, with other parameters if you like",
        "zsnas notebooks run fig06 -p seeds=7,8 -p recompute=true -p limit=100",
    )
    parser.add_argument("name", help="such as fig06; zsnas notebooks list names them")
    parser.add_argument(
        "-p",
        dest="parameters",
        action="append",
        default=[],
        type=_assignment,
        metavar="KEY=VALUE",
        help="a parameter of the notebook; may be given several times",
    )
    parser.add_argument("--profile", default="full", help="full or quick (default: full)")
    parser.add_argument("--output", help="where the result goes (default: its place under _build/notebooks)")


def _words(text: str) -> list[str]:
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words:
        raise argparse.ArgumentTypeError(f"{text!r} is empty; give names, separated by commas")
    return words


def _numbers(text: str) -> list[int]:
    try:
        return [int(word) for word in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no list of whole numbers; write them like 0,1,2"
        ) from None


def _positive(text: str) -> int:
    if not (text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is no positive whole number")
    return int(text)


def _assignment(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not (key and separator):
        raise argparse.ArgumentTypeError(f"{text!r} is no assignment; write it like seeds=7,8")
    return key, value
