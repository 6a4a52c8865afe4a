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
import json
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import projects
import psutil

from zsnas.benchmarks import _analog_records
from zsnas.book import pages
from zsnas.checksums import DataCorruptError, update
from zsnas.scores.store import Row, ScoreStore, StoredScore, StoreError
from zsnas.scores.sweep import sweep
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


def surroundings(folder: Path) -> dict[str, str]:
    """Return the environment of processes that know the tiny benchmark."""
    return os.environ | {
        "TINY_LOG": str(folder / "measured.log"),
        "TINY_DATA": str(folder / "data"),
        "TINY_DELAY": "0.03",
        "TINY_LIMIT": "3",
        "OMP_NUM_THREADS": "1",
    }


def start(folder: Path, workers: int, store: str = "", **more: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(SCRIPT), store or str(folder / "store.sqlite"), str(workers)]
    return subprocess.Popen(command, env=surroundings(folder) | more, stderr=subprocess.PIPE, text=True)


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
    """Its process is replaced and tries again, and the search ends as one that nothing disturbed."""
    (folder / "dying.py").write_text(DYING.replace("END", rng.choice(ENDS)))
    command = [sys.executable, "-m", "zsnas", "search", "nb201", "--load", "dying.py", "--proxies", "dying"]
    command += ["--batch", "digits", "--batch-size", "4", "--algorithm", "random", "--steps", "6"]
    found = []
    for name in ("a", "b"):
        options = ["--checkpoint", f"{name}.jsonl", "--output", f"{name}.csv", "--no-progress"]
        run = subprocess.run(
            [*command, *options], cwd=folder, capture_output=True, text=True, check=False, timeout=PATIENCE
        )
        if "Traceback" in run.stderr:
            sys.stderr.write(run.stderr)
            return "raw traceback"
        found.append(run.returncode)
    if any(found):
        return "unclear"
    first, second = (pd.read_csv(folder / f"{name}.csv").drop(columns="seconds") for name in ("a", "b"))
    return "survived" if first.equals(second) else "lost"


def in_shell(command: str, folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        timeout=PATIENCE,
    )


def zsnas(arguments: str, folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    done = in_shell(f"{shlex.quote(sys.executable)} -m zsnas {arguments}", folder, **environment)
    if "Traceback" in done.stderr:
        sys.stderr.write(done.stderr)
    return done


EVALUATION = "evaluate dying.py --benchmarks nb201-digits --seeds 0 --batch-size 4 --workers 1 --no-progress"


def evaluation_is_killed(rng: random.Random, folder: Path) -> str:
    """The same command goes on from what is stored; the proxy is #Params, so the result is known."""
    (folder / "dying.py").write_text(DYING.replace("END", rng.choice(ENDS)))
    killed, resumed = (zsnas(f"{EVALUATION} --output a.json", folder) for _ in range(2))
    if "Traceback" in killed.stderr + resumed.stderr:
        return "raw traceback"
    if not killed.returncode or resumed.returncode:
        return "unclear"
    found = json.loads((folder / "a.json").read_text())
    own, params = ({**found[key][0], "proxy": "", "label": "", "kind": ""} for key in ("rows", "beside"))
    # The one that ended the process was asked twice, and no other.
    each_once = len((folder / "scored").read_text()) == own["n"] + 1
    return "survived" if each_once and own == params else "lost"


DYING_PAGE = """
import os
from pathlib import Path

mark = Path("../tried")
if not mark.exists():
    mark.touch()
    END
6 * 7
"""


def page_dies(rng: random.Random, folder: Path) -> str:
    """The process of a page ends: a sentence, no page, and the next execution is a whole one."""
    text = projects.HEADER + projects.cell(DYING_PAGE.strip().replace("END", rng.choice(ENDS)))
    project = projects.make(folder / "project", {"dying": text})
    place = import_module("zsnas.book.pages.page")  # the package has a function of this name
    before, place.PROJECT = place.PROJECT, project
    try:
        try:
            pages.run("dying", progress=False)
        except pages.NotebookError as error:
            if "ended before its last cell" not in str(error) or list(project.rglob("*.ipynb")):
                return "unclear"
        else:
            return "lost"
        return "survived" if '"42"' in pages.run("dying", progress=False).read_text() else "lost"
    except Exception as error:  # noqa: BLE001 - which is what is looked for
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return "raw traceback"
    finally:
        place.PROJECT = before


PRELOAD = "import tiny_benchmark\n\ntiny_benchmark.install(setattr)\n"
"""For a worker of Dask: the tiny benchmark in the place of the real ones."""


@contextmanager
def dask_cluster(folder: Path) -> Iterator[tuple[Path, "subprocess.Popen[bytes]"]]:
    """Start a scheduler and a worker; yield the scheduler's file and the scheduler."""
    file, preload = folder / "scheduler.json", folder / "preload.py"
    file.unlink(missing_ok=True)
    preload.write_text(PRELOAD)
    paths = os.pathsep.join([str(SCRIPT.parent), os.environ.get("PYTHONPATH", "")])
    environment = surroundings(folder) | {"PYTHONPATH": paths}
    here = ("--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(file))
    alone = ("--scheduler-file", str(file), "--no-nanny", "--nthreads", "1", "--no-dashboard")
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.dask_{what}", *options],
            env=environment,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for what, options in (
            ("scheduler", (*here, "--port", "0")),
            ("worker", (*alone, "--preload", str(preload))),
        )
    ]
    try:
        while not file.exists():
            time.sleep(0.1)
        yield file, processes[0]
    finally:
        for process in reversed(processes):
            process.kill()
            process.wait()


def scheduler_is_lost(rng: random.Random, folder: Path) -> str:
    """A sentence, and with a scheduler that has come back the same sweep goes on."""
    with dask_cluster(folder) as (file, scheduler):
        process = start(folder, 2, TINY_DASK=str(file))
        if when_at_work(process, folder, rng.randint(1, 8)):
            scheduler.kill()
        if not of_refused(process, ("with a new executor resumes", "the same command resumes")):
            return "raw traceback"
    with dask_cluster(folder) as (file, _):
        if not ended(start(folder, 2, TINY_DASK=str(file))):
            return "unclear"
    return of_sweep(folder)


SMALL_DISK = """
mkdir disk
mount -t tmpfs -o size=$SIZE none disk || exit 9
"$PYTHON" "$SCRIPT" disk/store.sqlite 1 2>first
mount -o remount,size=16m disk || exit 9
"$PYTHON" "$SCRIPT" disk/store.sqlite 1 2>second && cp disk/store.sqlite .
"""


def small_disk_is_full(rng: random.Random, folder: Path) -> str:
    """A disk of some kilobytes, or none at all where this user may not mount one; then it grows."""
    environment = surroundings(folder) | {
        "PYTHON": sys.executable,
        "SCRIPT": str(SCRIPT),
        "SIZE": f"{rng.randrange(4, 80, 4)}k",
        "TINY_DELAY": "0",
    }
    done = in_shell(f"unshare --mount --map-root-user sh -c {shlex.quote(SMALL_DISK)}", folder, **environment)
    if (folder / "first").exists():
        told = (folder / "first").read_text().strip()
        if told and not ("StoreError: " in told and "no space is left" in told.rpartition("\n")[2]):
            sys.stderr.write(told)
            return "raw traceback"
        if done.returncode:
            sys.stderr.write((folder / "second").read_text())
            return "unclear"
        return of_sweep(folder)
    full = start(folder, 1, "/dev/full")
    return of_sweep(folder) if of_refused(full, ("no space is left",)) else "raw traceback"


PLACES = "a folder", "Größe ß", "数 据", "İstanbul ı", "it's $HOME & more"
LANGUAGES = "C", "POSIX", "C.UTF-8", "tr_TR.UTF-8", "de_DE.ISO-8859-1"
ELSEWHERE = {"proxies": ("naswot", "zen_score"), "limit": 3, "batch_size": 4}


def machine_is_elsewhere(rng: random.Random, folder: Path) -> str:
    """Names, languages, encodings and time zones of others, and nobody who reads the complaints."""
    place = folder / rng.choice(PLACES)
    place.mkdir()
    environment = {
        "LC_ALL": rng.choice(LANGUAGES),
        "PYTHONIOENCODING": rng.choice(("", "ascii", "latin-1")),
        "PYTHONUTF8": rng.choice("01"),
        "PYTHONCOERCECLOCALE": "0",
        "TZ": rng.choice(("UTC", "Pacific/Kiritimati", "America/St_Johns")),
    }
    closed = rng.choice(("", " 2>&-"))
    command = "sweep nb201-digits --proxies naswot,zen_score --limit 3 --batch-size 4 --store 'ä b.sqlite'"
    done = zsnas(f"{command} --no-progress{closed}", place, **environment)
    if done.returncode or done.stderr:
        sys.stderr.write(f"{environment}: {done.stdout}{done.stderr}\n")
        return "raw traceback" if "Traceback" in done.stderr else "unclear"
    usual = sweep("nb201-digits", **ELSEWHERE, store=folder / "usual.sqlite", progress=False)
    return "survived" if stored(place / "ä b.sqlite") == stored(usual) else "lost"


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
    "a small disk is full": small_disk_is_full,
    "a search dies in a proxy": search_dies_in_a_proxy,
    "an evaluation is killed": evaluation_is_killed,
    "a page's process dies": page_dies,
    "a scheduler is lost": scheduler_is_lost,
    "the machine is elsewhere": machine_is_elsewhere,
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
