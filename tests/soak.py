"""Soak: do to sweeps and files what machines do to them, again and again, and count what came of it.

``python tests/soak.py --minutes 60`` goes on for an hour, `test_soak.py` runs every case a few times. A case
ends in one of four ways:

survived
    the result is that of an undisturbed run, or a sentence says what is wrong
raw traceback
    an exception that is no sentence
lost
    the result is another one, and nothing says so
unclear
    anything else, such as a process that does not end
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import psutil

from zsnas.benchmarks import _analog_records
from zsnas.checksums import DataCorruptError, update
from zsnas.scores.store import Row, ScoreStore, StoredScore, StoreError
from zsnas.scores.table import read
from zsnas.search import Checkpoint, CheckpointError
from zsnas.sources import DATA

OUTCOMES = ("survived", "raw traceback", "lost", "unclear")
SCRIPT = Path(__file__).with_name("tiny_benchmark.py")
SENTENCES = (StoreError, CheckpointError, DataCorruptError)
SETTINGS = {"space": "nb201", "seed": 0}
PATIENCE = 240
"""Seconds for a sweep of the tiny benchmark, on a machine that is busy."""


def mutated(content: bytes, rng: random.Random) -> bytes:
    """Return content with flipped bits, cut off, or with a stretch of zeros or of noise."""
    changed, place = bytearray(content), rng.randrange(len(content))
    kind = rng.randrange(4)
    if kind == 0:
        for _ in range(rng.randint(1, 20)):
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    elif kind == 1:
        del changed[place:]
    else:
        stretch = min(rng.randint(1, 4096), len(changed) - place)
        changed[place : place + stretch] = bytes(stretch) if kind == 2 else rng.randbytes(stretch)
    return bytes(changed)


def of_reading(path: Path, whole: object, content: bytes, look: Callable[[Path], object]) -> str:
    """Read a changed file and say what came of it."""
    path.write_bytes(content)
    try:
        found = look(path)
    except SENTENCES:
        return "survived"
    except Exception:  # noqa: BLE001 - which is what is looked for
        return "raw traceback"
    return "survived" if found == whole else "lost"


def store_is_damaged(rng: random.Random, folder: Path) -> str:
    path = folder / "store.sqlite"
    with ScoreStore(path) as store:
        store.start({"benchmark": "nb201/cifar10", "batch_source": "images"})
        for k in range(40):
            scores = [StoredScore(name, f"a{k}", rng.random(), None, 0.1) for name in ("snip", "zico")]
            store.add(Row(f"a{k}", 0, 64), scores, {"torch": "2.14.1"})

    def look(path: Path) -> object:
        with ScoreStore(path) as store:
            return store.settings, store.provenance, store.scores()

    # An empty file is a new store, as it is to SQLite.
    return of_reading(path, look(path), mutated(path.read_bytes(), rng) or b"x", look)


def published_table_is_damaged(rng: random.Random, folder: Path) -> str:
    from zsnas.scores import table

    path = folder / "scores" / "nb201" / "cifar10.parquet"
    path.parent.mkdir(parents=True)
    shutil.copy(DATA / "scores" / "nb201" / "cifar10.parquet", path)
    update(path, folder)
    before, table.DATA = table.DATA, folder
    try:
        content = mutated(path.read_bytes(), rng)
        return of_reading(path, read(path).to_csv(), content, lambda path: read(path).to_csv())
    finally:
        table.DATA = before


def checkpoint_is_damaged(rng: random.Random, folder: Path) -> str:
    path = folder / "search.jsonl"
    with Checkpoint(path, SETTINGS) as checkpoint:
        for k in range(40):
            scores = {"snip": rng.random()}
            checkpoint.add({"arch": f"a{k}", "scores": scores, "reasons": {}, "seconds": 0.1})
        whole = dict(checkpoint.scored)

    def look(path: Path) -> object:
        with Checkpoint(path, SETTINGS) as checkpoint:
            # What a cut has taken is computed again; what is there has to be right.
            return whole | checkpoint.scored if checkpoint.scored.items() <= whole.items() else None

    return of_reading(path, whole, mutated(path.read_bytes(), rng), look)


def decoded_numbers_are_damaged(rng: random.Random, folder: Path) -> str:
    os.environ["ZSNAS_CACHE"] = str(folder)
    whole = _analog_records.analog_records()
    kept = _analog_records.cached()
    kept.write_bytes(mutated(kept.read_bytes(), rng))
    try:
        return "survived" if np.array_equal(_analog_records.analog_records(), whole) else "lost"
    except Exception:  # noqa: BLE001 - which is what is looked for
        return "raw traceback"


def start(folder: Path, workers: int, **more: str) -> subprocess.Popen[str]:
    environment = (
        os.environ
        | {
            "TINY_LOG": str(folder / "measured.log"),
            "TINY_DATA": str(folder / "data"),
            "TINY_DELAY": "0.03",
            "TINY_LIMIT": "3",
            "OMP_NUM_THREADS": "1",
        }
        | more
    )
    command = [sys.executable, str(SCRIPT), str(folder / "store.sqlite"), str(workers)]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def stored(path: Path) -> dict[tuple[str, str], float]:
    if not path.exists():
        return {}
    with ScoreStore(path) as store:
        return {(row.arch, s.proxy): s.value for row, s in store.each() if s.was_measured}


def end(process: "subprocess.Popen[str]") -> None:
    """End a sweep and its workers, one of which may be stopped and would hold the pipe open."""
    for child in psutil.Process(process.pid).children():
        child.kill()
    process.kill()
    process.communicate()


def ended(process: "subprocess.Popen[str]") -> bool:
    """Wait until a sweep has ended by itself and without an error."""
    try:
        _, errors = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        end(process)
        return False
    if process.returncode:
        sys.stderr.write(errors)
    return process.returncode == 0


def of_sweep(folder: Path) -> str:
    """Let a sweep finish what was disturbed, and compare with what it has to be."""
    import tiny_benchmark

    if not ended(start(folder, 1)):
        return "unclear"
    found = stored(folder / "store.sqlite")
    wanted = {
        (arch, proxy): tiny_benchmark.value(
            arch if proxy == "count" else tiny_benchmark.TinySpace().canonical(arch), 0, proxy
        )
        for arch in tiny_benchmark.ARCHITECTURES
        for proxy in tiny_benchmark.KINDS
    }
    is_same = found.keys() == wanted.keys() and all(
        np.array_equal(found[key], wanted[key], equal_nan=True) for key in wanted
    )
    return "survived" if is_same else "lost"


def when_at_work(process: "subprocess.Popen[str]", folder: Path, rows: int) -> bool:
    """Wait until a sweep has stored so many scores; tell whether it is still at work."""
    while process.poll() is None and len(stored(folder / "store.sqlite")) < rows:
        time.sleep(0.05)
    return process.poll() is None


def writer_is_killed(rng: random.Random, folder: Path) -> str:
    process = start(folder, 1)
    when_at_work(process, folder, rng.randint(0, 20))
    process.kill()
    process.communicate()
    return of_sweep(folder)


def worker_is(what: signal.Signals) -> Callable[[random.Random, Path], str]:
    def case(rng: random.Random, folder: Path) -> str:
        process = start(folder, 2)
        if when_at_work(process, folder, rng.randint(1, 8)):
            # One that has measured: one that still starts is given five minutes, on a machine that is busy.
            children = psutil.Process(process.pid).children()
            workers = [child for child in children if (folder / f"measured.log.{child.pid}").exists()]
            if workers:
                rng.choice(workers).send_signal(what)
        return of_sweep(folder) if ended(process) else "unclear"

    return case


def sweep_is_interrupted(rng: random.Random, folder: Path) -> str:
    process = start(folder, 2)
    if when_at_work(process, folder, rng.randint(1, 8)):
        process.send_signal(signal.SIGINT)
    try:
        _, errors = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        end(process)
        return "unclear"
    if process.returncode and "the same command resumes" not in errors:
        return "raw traceback"
    return of_sweep(folder)


def two_sweeps_write(_: random.Random, folder: Path) -> str:
    processes = [start(folder, 1), start(folder, 1)]
    for process in processes:
        _, errors = process.communicate(timeout=PATIENCE)
        if process.returncode and "another sweep is writing" not in errors:
            return "raw traceback"
    return of_sweep(folder)


def of_refused(process: "subprocess.Popen[str]", words: tuple[str, ...]) -> bool:
    """Wait for a sweep that may be refused; tell whether it ended well, or with one of these sentences."""
    _, errors = process.communicate(timeout=PATIENCE)
    last = errors.strip().rpartition("\n")[2]
    is_told = last.startswith("zsnas.scores.store.StoreError: ") and any(text in last for text in words)
    if process.returncode and not is_told:
        sys.stderr.write(errors)
    return not process.returncode or is_told


def disk_is_full(rng: random.Random, folder: Path) -> str:
    """No file may grow beyond a limit, which is what a full disk is to a program, on any machine."""
    process = start(folder, 1, TINY_DELAY="0", TINY_FILE_LIMIT=str(rng.randrange(0, 80_000, 1000)))
    if not of_refused(process, ("no space is left", "cannot be read or written", "cannot be made")):
        return "raw traceback"
    return of_sweep(folder)


def store_cannot_be_written(rng: random.Random, folder: Path) -> str:
    """Another user's store, in another user's folder."""
    process = start(folder, 1)
    when_at_work(process, folder, rng.randint(1, 20))
    process.kill()
    process.communicate()
    folder.chmod(0o555)
    (folder / "store.sqlite").chmod(0o444)
    nobody = {"TINY_USER": "65534"} if os.geteuid() == 0 else {}  # root may write everything
    try:
        if not of_refused(start(folder, 1, **nobody), ("cannot be written",)):
            return "raw traceback"
    finally:
        folder.chmod(0o755)
        (folder / "store.sqlite").chmod(0o644)
    return of_sweep(folder)


DYING = """
import os
from pathlib import Path
import zsnas

@zsnas.register(label="Dying", higher_is_better=True, kind="gradient-free", target=())
def dying(passes):
    \"\"\"Count scores; the fourth ends the process.\"\"\"
    log = Path(__file__).with_name("scored")
    log.write_text(log.read_text() + "x" if log.exists() else "x")
    if len(log.read_text()) == 4:
        END
    return float(sum(weight.numel() for weight in passes.model.parameters()))
"""
ENDS = "os._exit(7)", "os.kill(os.getpid(), 9)"


def search_dies_in_a_proxy(rng: random.Random, folder: Path) -> str:
    """The same search goes on from its checkpoint, and ends as one that nothing disturbed."""
    (folder / "dying.py").write_text(DYING.replace("END", rng.choice(ENDS)))
    command = [sys.executable, "-m", "zsnas", "search", "nb201", "--load", "dying.py", "--proxies", "dying"]
    command += ["--batch", "digits", "--batch-size", "4", "--algorithm", "random", "--steps", "6"]
    found = []
    for name in ("a", "a", "b"):
        options = ["--checkpoint", f"{name}.jsonl", "--output", f"{name}.csv", "--no-progress"]
        run = subprocess.run(
            [*command, *options], cwd=folder, capture_output=True, text=True, check=False, timeout=PATIENCE
        )
        if "Traceback" in run.stderr:
            sys.stderr.write(run.stderr)
            return "raw traceback"
        found.append(run.returncode)
    if not found[0] or any(found[1:]):
        return "unclear"
    first, second = (pd.read_csv(folder / f"{name}.csv").drop(columns="seconds") for name in ("a", "b"))
    return "survived" if first.equals(second) else "lost"


CASES: dict[str, Callable[[random.Random, Path], str]] = {
    "a store is damaged": store_is_damaged,
    "a published table is damaged": published_table_is_damaged,
    "a checkpoint is damaged": checkpoint_is_damaged,
    "decoded numbers are damaged": decoded_numbers_are_damaged,
    "the sweep is killed": writer_is_killed,
    "a worker is killed": worker_is(signal.SIGKILL),
    "a worker is stopped": worker_is(signal.SIGSTOP),
    "the sweep is interrupted": sweep_is_interrupted,
    "two sweeps write": two_sweeps_write,
    "the disk is full": disk_is_full,
    "the store cannot be written": store_cannot_be_written,
    "a search dies in a proxy": search_dies_in_a_proxy,
}


def run(name: str, seed: int) -> str:
    """Run one case and return its outcome."""
    before = os.environ.get("ZSNAS_CACHE")
    with tempfile.TemporaryDirectory() as folder:
        try:
            # Not the folder itself, which nobody but its owner may enter.
            Path(folder).chmod(0o755)
            (own := Path(folder, "case")).mkdir()
            return CASES[name](random.Random(f"{name}/{seed}"), own)
        finally:
            os.environ.pop("ZSNAS_CACHE", None)
            if before is not None:
                os.environ["ZSNAS_CACHE"] = before


def table(counts: dict[str, Counter[str]]) -> str:
    """Return the outcomes as text."""
    lines = [f"{'case':32}{'tried':>8}" + "".join(f"{outcome:>15}" for outcome in OUTCOMES)]
    for name, found in counts.items():
        lines.append(f"{name:32}{found.total():8}" + "".join(f"{found[outcome]:15}" for outcome in OUTCOMES))
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=60)
    end = time.monotonic() + 60 * parser.parse_args().minutes
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    seed = 0
    while time.monotonic() < end:
        for name in CASES:
            for _ in range(50 if "damaged" in name else 1):
                seed += 1
                outcome = run(name, seed)
                counts[name][outcome] += 1
                if outcome != "survived":
                    sys.stderr.write(f"{name}, seed {seed}: {outcome}\n")
    sys.stdout.write(f"{table(counts)}\n")
    return int(any(found.total() > found["survived"] for found in counts.values()))


if __name__ == "__main__":
    sys.exit(main())
