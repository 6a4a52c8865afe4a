"""Measure what the course takes on this machine.

``python -m zsnas.book.course`` writes ``data/course.csv``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
import torch

from zsnas._version import __version__
from zsnas.book.course.editions import lab_notebook
from zsnas.book.course.notes import MEASURED
from zsnas.course import list_sheets

SCORE = """
import zsnas
space = zsnas.space("nb201")
network = space.build(space.architectures[0], 100, seed=0)
zsnas.score(network, zsnas.batch("cifar100", size=64, seed=0), ["synflow"])
"""
LAB = """
import zsnas
zsnas.evaluate("FOLDER/my_proxy.py", ["nb201/cifar100"], networks=120, folder="FOLDER", progress=False)
"""
SHEET = "from zsnas import course; [one.solved for one in course.sheet({name!r}).exercises]"
COMMANDS = {
    "Start Python, build a cell and score it": SCORE,
    "The lab: evaluate the proxy of the notebook on one benchmark": LAB,
    **{f"All solutions of the sheet *{name}*": SHEET.format(name=name) for name in list_sheets()},
}
"""What is measured, and its code; ``FOLDER`` is one that is gone afterwards."""


def _proxy() -> str:
    """Return the proxy that the notebook of the lab writes into a file."""
    cells = (str(cell.source) for cell in lab_notebook().cells)
    return next(text.partition("\n")[2] for text in cells if text.startswith("%%writefile"))


def main() -> None:
    """Run each command in a process of its own, and write what it took."""
    machine = f"one thread; torch {torch.__version__}; zsnas {__version__}"
    rows = []
    for what, code in COMMANDS.items():
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "my_proxy.py").write_text(_proxy(), encoding="utf-8")
            environment = {**os.environ, "OMP_NUM_THREADS": "1"}
            command = [sys.executable, "-c", code.replace("FOLDER", folder)]
            process = subprocess.Popen(command, env=environment)  # noqa: S603 - ours
            _, status, used = os.wait4(process.pid, 0)
        if status:
            raise SystemExit(f"failed: {what}")
        seconds = used.ru_utime + used.ru_stime
        rows.append({"what": what, "seconds": round(seconds, 1), "peak_mb": round(used.ru_maxrss / 1000)})
        pd.DataFrame(rows).assign(machine=machine).to_csv(MEASURED, index=False)


if __name__ == "__main__":
    main()
