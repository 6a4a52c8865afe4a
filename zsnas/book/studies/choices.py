"""What the latency predictors leave open, chosen on the validation devices of HELP and on no others.

Two things: which way the messages of the GCN go, and for how many episodes HELP learns.
``python -m zsnas.book.studies.choices`` writes the errors of all alternatives to
``data/latency/choices.csv``, of which the smallest mean of RMSE over mean latency is best; it takes minutes
on one core. The book's results leave these devices out. Another default asks for ``python -m
zsnas.book.studies.protocols`` and ``processor`` to be run again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zsnas.book.studies import protocols
from zsnas.hardware.brp_nas import GCN
from zsnas.hardware.help import HELP, SEEN, VALIDATION
from zsnas.sources import DATA

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

TABLE = DATA / "latency" / "choices.csv"
EPISODES = (250, 500, 1000)
SEEDS = (0, 1)


def directions(seed: int) -> Iterator[dict[str, object]]:
    """Yield the errors of the GCN with 900 latencies, for each way of its messages, on each device."""
    for both_ways in (False, True):
        for device in VALIDATION:
            architectures, latency = protocols.to_learn(seed, [device])
            predictor = GCN(seed, both_ways).fit(architectures, latency[:, 0])
            setting = "both ways" if both_ways else "forwards"
            yield _row("gcn", setting, seed, device) | protocols.judged(predictor, device, seed)


def lengths(seed: int) -> Iterator[dict[str, object]]:
    """Yield the errors of HELP with ten latencies, for each number of episodes, on each device."""
    for episodes in EPISODES:
        learned = HELP(seed, episodes=episodes).fit(*protocols.to_learn(seed, SEEN))
        for device in VALIDATION:
            names, latency = protocols.to_learn(seed, [device], learned.references, protocols.FEW)
            predictor = learned.adapt(names, latency[:, 0])
            yield _row("help", f"{episodes} episodes", seed, device) | protocols.judged(
                predictor, device, seed
            )


def _row(method: str, setting: str, seed: int, device: str) -> dict[str, object]:
    return {"method": method, "setting": setting, "seed": seed, "device": device}


def relative_errors(table: pd.DataFrame) -> pd.Series[float]:
    """Return the mean RMSE in percent of the mean latency, by ``method`` and ``setting``."""
    percent = 100 * table["rmse_ms"] / table["mean_ms"]
    return percent.groupby([table["method"], table["setting"]], sort=False).mean()


def main() -> None:
    """Find the errors of all alternatives and write the table anew, a row at a time."""
    protocols.write((row for seed in SEEDS for find in (directions, lengths) for row in find(seed)), TABLE)


if __name__ == "__main__":
    main()
