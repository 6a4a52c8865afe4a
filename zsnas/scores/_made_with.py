"""What scores were made with, as far as their last digits show it: torch and its threads."""

import re
from collections.abc import Iterable, Mapping

import torch

_THREADS = re.compile(r"torch threads: (\d+)")
_BETWEEN = "; "


def kinds(made_with: Iterable[Mapping[str, str]]) -> tuple[set[str], set[int]]:
    """Return the versions of torch, without what they were built for, and the numbers of threads.

    Parameters
    ----------
    made_with
        See `ScoreStore.made_with`.
    """
    versions, threads = set[str](), set[int]()
    for each in made_with:
        versions |= {text.partition("+")[0] for text in each.get("torch", "").split(_BETWEEN) if text}
        threads |= {int(count) for count in _THREADS.findall(each.get("machine", ""))}
    return versions, threads


def unlike(made_with: Mapping[str, str], threads: int) -> str:
    """Say in words in what scores differ from those to come; nothing when they do not.

    Parameters
    ----------
    made_with
        Of the scores that are there.
    threads
        Of those to come.
    """
    before, counts = kinds([made_with])
    now = torch.__version__.partition("+")[0]
    words = [f"torch {', '.join(sorted(before))} and these would be with {now}"] if before - {now} else []
    if counts - {threads}:
        words.append(f"{', '.join(map(str, sorted(counts)))} threads and these would be with {threads}")
    return " and ".join(words)
