"""A share of NB201-Digits: train cells, keep what they reach, go on where it stopped, join files."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from zsnas._files import replacing
from zsnas._numbers import as_seeds, as_whole
from zsnas._progress_bar import progress_bar
from zsnas.batches import digits
from zsnas.hardware.measure import machine
from zsnas.spaces.nb201_digits import NB201Digits
from zsnas.training.recipe import Recipe, examples, train
from zsnas.training.stack import Stack

STACK = 64
"""Networks that are trained together: more of them no longer take less time each."""

_ORDER_SEED = 0
_SCHEMA = pa.schema(
    {
        "arch": pa.string(),
        "seed": pa.int16(),
        "train_correct": pa.list_(pa.int16()),
        "test_correct": pa.list_(pa.int16()),
        "cpu_seconds": pa.float32(),
    }
)

Key = tuple[str, int]


@cache
def cells() -> tuple[str, ...]:
    """Return the 6,466 unique cells in the random order in which they are trained.

    So whatever part of the work is done is a random sample of them.
    """
    space = NB201Digits()
    unique = sorted({space.canonical(arch) for arch in space.architectures}, key=space.index)
    random.Random(_ORDER_SEED).shuffle(unique)
    return tuple(unique)


def train_share(
    output: str | Path,
    *,
    seeds: Sequence[int] | int = (0, 1, 2),
    limit: int | None = None,
    share: tuple[int, int] = (1, 1),
    recipe: Recipe | None = None,
    progress: bool = True,
) -> pa.Table:
    """Train cells that the file does not have yet, the first seed of all of them before the next one.

    A seed draws the initial weights and orders the images. A network is trained in a stack of others, from
    which it differs in nothing but rounding; the same call on the same machine gives the same numbers.

    Parameters
    ----------
    output
        A Parquet file, replaced in one step after every stack. A later call trains what it lacks. Two that
        work at once need a file each, see :func:`merge`.
    seeds
        Each cell is trained once with each.
    limit
        How many of the cells, in the order of `zsnas.training.cells`; by default all.
    share
        ``(2, 5)`` is the second of five parts, for several machines: a cell in five, from the second on.
    recipe
        By default that of the benchmark.
    progress
        Show a bar on standard error.

    Returns
    -------
    Table
        What the file holds then: ``arch``, ``seed``, ``train_correct`` and ``test_correct`` (images at each
        epoch, see `zsnas.training.recipe.Curves`), ``cpu_seconds`` (of the stack, over its networks).

    Raises
    ------
    ValueError
        When an argument is out of range, or the file is none of this function or of another recipe.
    KeyboardInterrupt
        On Ctrl-C, saying how much is stored.
    """
    path, recipe = Path(output), recipe or Recipe()
    if path.suffix != ".parquet":
        raise ValueError(f"the output {str(path)!r} does not end in .parquet; give a file that does")
    wanted = [(arch, seed) for seed in as_seeds(seeds) for arch in _chosen(limit, share)]
    table = _started(path, recipe)
    done = set(zip(table["arch"].to_pylist(), table["seed"].to_pylist(), strict=True))
    todo = [key for key in wanted if key not in done]
    bar = progress_bar("digits", len(wanted), unit="network", done=len(wanted) - len(todo), shown=progress)
    with bar:
        try:
            for stack in _stacks(todo):
                table = pa.concat_tables([table, _trained(stack, recipe)])
                _replace(path, table)
                bar.update(len(stack))
        except KeyboardInterrupt:
            raise KeyboardInterrupt(
                f"stopped: {len(table):,} trained networks are in {path}; the same command goes on"
            ) from None
    return table


def merge(inputs: Iterable[str | Path], output: str | Path) -> pa.Table:
    """Join files of shares into one; a network that several of them have is taken from the first.

    Parameters
    ----------
    inputs
        Files that :func:`train_share` wrote.
    output
        Where to write; it may be one of the inputs.

    Raises
    ------
    ValueError
        When a file is none of a share, or they are of different recipes.
    """
    path = Path(output)
    table = _joined([_read(Path(file)) for file in inputs], path)
    _replace(path, table)
    return table


def _chosen(limit: int | None, share: tuple[int, int]) -> Sequence[str]:
    part, parts = share
    if not 1 <= part <= parts:
        raise ValueError(
            f"the share is {part}/{parts}; give one such as 1/{max(parts, 1)}, the first of all parts"
        )
    count = len(cells()) if limit is None else as_whole("the limit", limit, 1, example="200")
    return cells()[:count][part - 1 :: parts]


def _stacks(todo: Sequence[Key]) -> Iterator[Sequence[Key]]:
    """Yield networks that are trained together, all with one seed."""
    for seed in dict.fromkeys(seed for _, seed in todo):
        same = [key for key in todo if key[1] == seed]
        yield from (same[start : start + STACK] for start in range(0, len(same), STACK))


def _trained(keys: Sequence[Key], recipe: Recipe) -> pa.Table:
    start, (archs, (seed, *_)) = time.process_time(), map(list, zip(*keys, strict=True))
    space = NB201Digits()
    stack = Stack(archs, [space.build(arch, 10, seed) for arch in archs])
    curves = train(stack, *examples(), recipe=recipe, seed=seed)
    each = (time.process_time() - start) / len(keys)
    columns = {
        "arch": archs,
        "seed": [seed] * len(keys),
        "train_correct": curves.train_correct.tolist(),
        "test_correct": curves.test_correct.tolist(),
        "cpu_seconds": [each] * len(keys),
    }
    return pa.table(columns, schema=_SCHEMA).replace_schema_metadata(_about(recipe))


def _about(recipe: Recipe) -> dict[str, str]:
    return {
        "recipe": json.dumps(asdict(recipe)),
        "train_images": str(digits.TRAINING),
        "test_images": str(digits.TEST),
        **{name: value for name, value in machine().items() if name != "threads"},
    }


def _started(path: Path, recipe: Recipe) -> pa.Table:
    empty = _SCHEMA.empty_table().replace_schema_metadata(_about(recipe))
    return _joined([empty, _read(path)], path) if path.exists() else empty


def _read(path: Path) -> pa.Table:
    try:
        table = pq.read_table(path)
    except FileNotFoundError:
        raise ValueError(f"there is no file {path}; `zsnas train-benchmark digits` makes one") from None
    except (pa.ArrowInvalid, OSError) as error:
        raise ValueError(f"{path} is no file of trained networks ({error}); name another") from error
    if not table.schema.equals(_SCHEMA) or b"recipe" not in (table.schema.metadata or {}):
        raise ValueError(
            f"{path} has the columns {', '.join(table.column_names)}; a file of trained networks has "
            f"{', '.join(_SCHEMA.names)} and names its recipe: name another"
        )
    return table


def _joined(tables: Sequence[pa.Table], path: Path) -> pa.Table:
    """Return what is in any table, each network once, by seed and then in the order of training."""
    metadata = [{name.decode(): value.decode() for name, value in t.schema.metadata.items()} for t in tables]
    recipes = {about["recipe"] for about in metadata}
    if len(recipes) > 1:
        raise ValueError(
            f"what is to be joined in {path} was trained by different recipes, "
            f"{' and '.join(sorted(recipes))}; networks of one benchmark share theirs: name another file"
        )
    rows: dict[Key, dict[str, Any]] = {}
    for table in tables:
        for row in table.to_pylist():
            rows.setdefault((row["arch"], row["seed"]), row)
    place = {arch: index for index, arch in enumerate(cells())}
    ordered = sorted(rows, key=lambda key: (key[1], place[key[0]]))
    joined = pa.Table.from_pylist([rows[key] for key in ordered], schema=_SCHEMA)
    return joined.replace_schema_metadata(
        {name: "; ".join(sorted({about[name] for about in metadata})) for name in metadata[0]}
    )


def _replace(path: Path, table: pa.Table) -> None:
    with replacing(path) as part:
        pq.write_table(table, part, compression="zstd")
