"""The short form of the soak: every case a few times."""

from collections import Counter

import pytest
import soak

TIMES = {name: 50 if "damaged" in name else 1 for name in soak.CASES} | {"decoded numbers are damaged": 3}


@pytest.mark.parametrize("name", soak.CASES)
def test_what_is_disturbed_survives(name):
    counts = Counter(soak.run(name, seed) for seed in range(TIMES[name]))
    print(soak.table({name: counts}))  # noqa: T201 - the table that is read when a case fails
    assert counts == {"survived": TIMES[name]}
