"""The records inside the package analog-nasbench, as one array of numbers, read without trusting the pickle.

The file is a pickle of two record types. `_RecordUnpickler` gives both a stand-in and refuses every other
name, so that a tampered file can run nothing. Decoding takes some tenths of a second; the decoded numbers are
kept in the cache, with the SHA-256 of the file and of themselves, and read back in milliseconds.
"""

import contextlib
import gc
import hashlib
import io
import os
import pickle
import tempfile
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from zsnas.sources import SourceCorruptError, cache_folder

ACCURACIES = ("baseline_accuracy", "ptq_accuracy", "qat_accuracy", "noisy_accuracy", "analog_accuracy")
"""Fields that hold one number."""
DRIFTS = tuple(
    f"{weights}_drift_{seconds}"
    for weights in ("baseline", "analog")
    for seconds in (60, 3600, 86400, 2592000)
)
"""Fields that hold two: an accuracy after a drift of some seconds, and its uncertainty."""
EDGES = 6
_DIGEST = 32
WIDTH = EDGES + len(ACCURACIES) + 2 * len(DRIFTS)


SHA256 = "85f3435b877aa2d36268d55ce07f6ff6d73643d17a840f1941745da5eb80db32"
"""Of the file ``data.anb`` of analog-nasbench 0.1.3."""


def analog_records() -> NDArray[np.float64]:
    """Return one row a cell: six operation ids, then `ACCURACIES`, then value and uncertainty of `DRIFTS`.

    Raises
    ------
    SourceCorruptError
        When the file of the package is another than that of its version 0.1.3.
    """
    path = data_file()
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != SHA256:
            raise SourceCorruptError(
                f"{path} is not the file of analog-nasbench 0.1.3: "
                "pip install --force-reinstall --no-deps analog-nasbench==0.1.3"
            )
        kept = cached()
        if (rows := _kept(kept)) is not None:
            return rows
        file.seek(0)
        rows = decode(file)
    with contextlib.suppress(OSError):
        _keep(rows, kept)
    return rows


def cached() -> Path:
    """Return where the decoded numbers are kept, or would be."""
    return cache_folder() / "decoded" / f"analog-nasbench-{SHA256[:16]}.npy"


def is_right(path: Path) -> bool:
    """Tell whether decoded numbers are those that were kept."""
    return _kept(path) is not None


def _kept(path: Path) -> NDArray[np.float64] | None:
    """Return decoded numbers whose SHA-256, after the array, is right; None when there are none."""
    try:
        content = path.read_bytes()
        array, digest = content[:-_DIGEST], content[-_DIGEST:]
        if hashlib.sha256(SHA256.encode() + array).digest() != digest:
            return None
        rows: NDArray[np.float64] = np.load(io.BytesIO(array), allow_pickle=False)
    except (OSError, ValueError):
        return None
    return rows


def decode(file: IO[bytes]) -> NDArray[np.float64]:
    """Return the rows of a pickle of records; an UnpicklingError when it asks for anything else."""
    cells: list[dict[str, Any]] = []
    drifts: list[dict[str, float]] = []
    with _without_garbage_collection():
        operations = list(_RecordUnpickler(file, cells.append, drifts.append).load())
    return np.hstack(
        [
            np.array(operations, dtype=np.float64),
            _numbers(map(itemgetter(*ACCURACIES), cells), len(ACCURACIES)),
            _numbers(map(itemgetter("value", "uncertainty"), drifts), 2 * len(DRIFTS)),
        ]
    )


class _RecordUnpickler(pickle.Unpickler):
    """An unpickler that hands the fields of each record to a function and builds nothing else.

    The fields of the drifts of a cell come in the order of `DRIFTS`, just before the fields of the cell.
    """

    def __init__(
        self, file: IO[bytes], take_cell: Callable[..., None], take_drift: Callable[..., None]
    ) -> None:
        super().__init__(file)
        self._stand_ins = {
            ("analognasbench.data", "Architecture"): _stand_in(take_cell),
            ("analognasbench.data", "DriftMeasurement"): _stand_in(take_drift),
        }

    def find_class(self, module_name: str, global_name: str) -> type:
        if (module_name, global_name) not in self._stand_ins:
            raise pickle.UnpicklingError(
                f"the pickle asks for {module_name}.{global_name}, which is no record of AnalogNAS-Bench: "
                "it was not loaded; reinstall analog-nasbench==0.1.3"
            )
        return self._stand_ins[module_name, global_name]


def _stand_in(take_fields: Callable[..., None]) -> type:
    """Return an empty class whose instances pass the fields that the pickle sets to `take_fields`."""
    return type("Record", (), {"__slots__": (), "__setstate__": take_fields})


def _numbers(values: Iterable[Iterable[float]], width: int) -> NDArray[np.float64]:
    """Return numbers, read row by row, as an array with `width` columns."""
    return np.fromiter(chain.from_iterable(values), np.float64).reshape(-1, width)


@contextlib.contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Spare the collector's walks over a growing heap of records, which would triple the time to load."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def data_file() -> Path:
    """Return where the installed package keeps its table, without importing the package."""
    spec = find_spec("analognasbench")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(
            "the benchmark 'nb201-analog/cifar10' is in the package analog-nasbench, which is not installed: "
            "pip install --no-deps analog-nasbench==0.1.3"
        )
    return Path(spec.origin).with_name("data.anb")


def _keep(rows: NDArray[np.float64], path: Path) -> None:
    """Write an array and its SHA-256 under a temporary name, then rename it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, unfinished = tempfile.mkstemp(dir=path.parent, suffix=".npy")
    os.close(handle)
    try:
        array = io.BytesIO()
        np.save(array, rows)
        digest = hashlib.sha256(SHA256.encode() + array.getvalue()).digest()
        Path(unfinished).write_bytes(array.getvalue() + digest)
        Path(unfinished).replace(path)
    finally:
        Path(unfinished).unlink(missing_ok=True)
