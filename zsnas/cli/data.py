"""`zsnas data`: list, fetch, verify and cite third-party files; checksums of this project's own."""

import argparse
from collections.abc import Iterator, Sequence

from zsnas.cli._output import complain, print_table
from zsnas.cli._parser import Commands, add_command


def add(commands: Commands) -> None:
    """Add `zsnas data` to the commands."""
    parser = commands.add_parser("data", help="third-party files: list, fetch, verify, cite")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    for name, run, purpose, example in (
        ("list", _list, "list the known files", "zsnas data list 'freerea/*'"),
        (
            "fetch",
            _fetch,
            "get files from the mirror or the network, and check them",
            "zsnas data fetch 'freerea/*'",
        ),
        (
            "verify",
            _verify,
            "check the local copies, and this project's own scores; exit status 1 when one is corrupt",
            "zsnas data verify",
        ),
        (
            "cite",
            _cite,
            "say how to cite files, with their licences",
            "zsnas data cite 'hw-nas-bench/*'",
        ),
    ):
        action = add_command(actions, name, run, purpose, example)
        action.add_argument("names", nargs="*", metavar="NAME", help="names with wildcards (default: all)")
    add_command(
        actions,
        "checksums",
        _checksums,
        "write data/SHA256SUMS anew, after files of scores or latencies were changed by hand or merged",
        "zsnas data checksums",
    )


def _list(options: argparse.Namespace) -> int:
    from zsnas.sources import source

    entries = [source(name) for name in _sources(options.names)]
    print_table(("name", "bytes", "licence"), [(e.name, f"{e.bytes:,}", e.licence) for e in entries])
    return 0


def _fetch(options: argparse.Namespace) -> int:
    fetched = [_fetched(name) for name in _sources(options.names)]
    return 0 if all(fetched) else 2


def _fetched(name: str) -> bool:
    """Fetch one file and say where it is, or why it is unavailable."""
    from zsnas.sources import SourceCorruptError, SourceUnavailable, fetch

    try:
        print(f"{name}  {fetch(name, progress=True)}")
    except (SourceUnavailable, SourceCorruptError) as error:
        complain(str(error), 2)
        return False
    return True


def _verify(options: argparse.Namespace) -> int:
    outcomes = [(name, *_verified(name)) for name in _sources(options.names)]
    if not options.names:
        outcomes += [*_verified_cache(), *_verified_data()]
    print_table(("name", "state", "where or why"), outcomes)
    return int(any(state in ("corrupt", "unlisted") for _, state, _ in outcomes))


def _verified_cache() -> Iterator[tuple[str, str, str]]:
    """Check what is decoded from a package and kept in the cache."""
    from zsnas.benchmarks import _analog_records as records

    path = records.cached()
    if path.is_file():
        is_right = records.is_right(path)
        why = f"{path} is not what was decoded; reading the benchmark nb201-analog/cifar10 makes it anew"
        yield "analog-nasbench, decoded", "right" if is_right else "corrupt", str(path) if is_right else why


def _verified_data() -> Iterator[tuple[str, str, str]]:
    from zsnas.checksums import verified

    return ((f"data/{name}", state, why) for name, state, why in verified())


def _checksums(_: argparse.Namespace) -> int:
    from zsnas.checksums import NAME, update_all
    from zsnas.sources import DATA, IN_REPOSITORY

    if not IN_REPOSITORY:
        raise ValueError(f"{DATA} is part of an installed package; checksums are written in a clone")
    print(f"{update_all()} files are listed in {DATA / NAME}")
    return 0


def _verified(name: str) -> tuple[str, str]:
    from zsnas.sources import SourceCorruptError, SourceUnavailable, verify

    try:
        return "right", str(verify(name))
    except SourceUnavailable:
        return "absent", "neither in the mirror nor in the cache"
    except SourceCorruptError as error:
        return "corrupt", str(error)


def _cite(options: argparse.Namespace) -> int:
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
