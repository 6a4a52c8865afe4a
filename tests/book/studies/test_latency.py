import pandas as pd

from zsnas.book.studies.latency import facts


def test_facts_of_a_measurement():
    timed = pd.DataFrame(
        {"latency_ms": [2.0, 4.0, 8.0], "spread_ms": [0.02, 0.08, 0.4], "reference_ms": [1.0, 1.0, 1.0]}
    )
    timed.attrs |= {"machine": "a core", "rounds": 5, "unknown": "left out"}

    found = facts(timed)

    assert found["machine"] == "a core"
    assert "unknown" not in found
    assert (found["timed"], found["fastest"], found["slowest"]) == ("3", "2.00", "8.00")
    assert found["spread"] == "2.0"  # the median of 1, 2 and 5 %
    assert (found["drift_low"], found["drift_high"]) == ("0", "+0")


def test_drift_is_that_of_the_reference_network():
    timed = pd.DataFrame({"latency_ms": 1.0, "spread_ms": 0.0, "reference_ms": [90.0, *[100.0] * 39, 120.0]})

    found = facts(
        timed
    )  # of 41 values the quantiles 1/40 and 39/40 are the second and the one before the last

    assert (found["drift_low"], found["drift_high"]) == ("0", "+0")
    timed.loc[1, "reference_ms"], timed.loc[39, "reference_ms"] = 95, 110
    assert (facts(timed)["drift_low"], facts(timed)["drift_high"]) == ("−5", "+10")
