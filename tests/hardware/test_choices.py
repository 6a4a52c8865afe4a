"""What the predictors leave open is decided by relative errors, on devices that no page shows."""

import numpy as np
import pandas as pd
import pytest

from zsnas.hardware import choices, protocols
from zsnas.hardware.help import SEEN, UNSEEN, VALIDATION


def test_milliseconds_of_slow_devices_do_not_count_more():
    """10 % on one device and 30 % on another are 20 %, however slow they are."""
    table = pd.DataFrame(
        {"method": "gcn", "setting": "forwards", "rmse_ms": [0.1, 300.0], "mean_ms": [1.0, 1000.0]}
    )

    assert choices.relative_errors(table).to_dict() == {("gcn", "forwards"): pytest.approx(20)}


def test_nothing_is_chosen_on_a_device_that_is_learned_from_or_shown():
    assert not set(VALIDATION) & {*SEEN, *UNSEEN}


def test_only_validation_devices_are_asked(monkeypatch):
    asked = []

    def to_learn(_, devices, *__):
        asked.extend(devices)
        return ["|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"], np.ones((1, 1))

    monkeypatch.setattr(protocols, "to_learn", to_learn)
    monkeypatch.setattr(protocols, "judged", lambda *_: {"rmse_ms": 1.0})
    monkeypatch.setattr("zsnas.hardware.brp_nas.STEPS", 1)

    found = list(choices.directions(0))

    assert asked == [*VALIDATION, *VALIDATION]
    assert [row["setting"] for row in found] == ["forwards"] * 4 + ["both ways"] * 4
