import pandas as pd

from zsnas.book.studies import protocols
from zsnas.book.tables import predictors

NEW, OLD = "fpga", "samsung_a50"
assert NEW in predictors.UNSEEN
assert OLD in predictors.SEEN


def run(method, device, samples, ms, seed=0, protocol=protocols.ALONE):
    return {
        "seed": seed,
        "device": device,
        "method": method,
        "protocol": protocols.TRANSFER if method == "help" else protocol,
        "samples": samples,
        "rmse_ms": ms,
        "mean_ms": 10.0,
        "kendall": 0.5,
        "spearman": 0.75,
    }


RUNS = pd.DataFrame(
    [
        run("help", NEW, 10, 1.0),
        run("help", NEW, 10, 3.0, seed=1),
        run("gcn", NEW, 10, 2.5),
        run("gcn", NEW, 900, 0.5),
        run("gcn", NEW, 10, 9.0, protocol=protocols.TRANSFER),
        run("gcn", OLD, 10, 8.0),
    ]
)


def test_errors_by_number_of_latencies_leave_out_what_help_has_seen():
    found = predictors.by_samples(RUNS)
    assert found.loc["HELP, 10", "RMSE (% of mean)"] == "20.0 [10.0,\N{NO-BREAK SPACE}30.0]"
    assert found.loc["BRP-NAS, GCN, 10", "RMSE (% of mean)"] == "25.0"  # one seed has no spread
    assert found.loc["BRP-NAS, GCN, 900", ["KT", "SPR", "settings"]].tolist() == ["0.500", "0.750", "1"]
    assert found.loc["BRP-NAS, MLP, 10", "SPR"] == "–"


def test_new_devices_tell_what_was_moved():
    found = predictors.new_devices(RUNS)
    assert found.loc[NEW].to_dict() == {
        "HELP": "2.00 [1.00,\N{NO-BREAK SPACE}3.00]",
        "BRP-NAS, GCN": "2.50",
        "BRP-NAS, GCN (moved)": "9.00",
    }


def test_the_authors_are_compared_where_there_is_a_run():
    authors = pd.DataFrame(
        [("gcn", 900, NEW, 0.8), ("mlp", 900, NEW, 0.7)], columns=["method", "samples", "device", "spearman"]
    )
    found = predictors.beside_the_authors(RUNS, authors)
    assert found.reset_index().to_numpy().tolist() == [["BRP-NAS, GCN, 900", NEW, "0.800", "0.750"]]


HERE = pd.DataFrame(
    [
        (0, "kernels", 0, "measured", 0.2, 4.0, 0.9),
        (1, "kernels", 0, "measured", 0.4, 4.0, 0.9),
        (0, "kernels", 0, "corrected", 0.1, 4.0, 0.9),
        (0, "help", 10, "measured", 0.8, 4.0, 0.9),
    ],
    columns=["seed", "method", "samples", "latency", "rmse_ms", "mean_ms", "spearman"],
)


def test_errors_on_this_processor_with_and_without_drift():
    found = predictors.on_this_processor(HERE)
    assert found.loc["Kernels, 0"].tolist() == [
        "0.30 [0.20,\N{NO-BREAK SPACE}0.40]",
        "7.5 [5.0,\N{NO-BREAK SPACE}10.0]",
        "0.900 [0.900,\N{NO-BREAK SPACE}0.900]",
        "0.10",
    ]
    assert found.loc["HELP, 10", "RMSE (ms), without drift"] == "–"


def test_the_survey_stands_beside_what_was_found():
    survey = pd.DataFrame(
        {
            "label": ["HELP", "nn-Meter", "BRP-NAS"],
            "granularity": "layer",
            "transferability": "low",
            "rmse_ms": [0.12, 1.2, 4.6],
        },
        ["help", "nn_meter", "brp_nas"],
    )
    found = predictors.beside_the_survey(survey, RUNS, HERE)
    assert found.loc["HELP", "new devices (% of mean)"] == "20.0 [10.0,\N{NO-BREAK SPACE}30.0]"
    assert found.loc["nn-Meter", ["survey (ms)", "latencies", "new devices (% of mean)"]].tolist() == [
        "1.2",
        "–",
        "–",
    ]
    assert found.loc["BRP-NAS", "this processor (ms)"] == "–"
    assert found.loc["BRP-NAS", "new devices (% of mean)"] == "5.0"


def test_findings_count_devices_and_name_the_ends():
    assert predictors.smaller(RUNS).endswith(
        "with the same ten on 1 of 1 devices, and than the GCN with 900 on 0."
    )
    assert predictors.smaller(RUNS[RUNS["samples"] == 10]).startswith("This execution has no new device")
    assert predictors.smallest(HERE) == (
        "On our processor the smallest error is that of Kernels with 0 measured networks, 0.30 ms, and the "
        "largest that of HELP with 10 measured networks, 0.80 ms."
    )


def test_alternatives_say_which_is_in_use():
    tried = pd.Series({("gcn", "forwards"): 5.0, ("gcn", "both ways"): 4.0})
    found = predictors.alternatives(tried, [("gcn", "both ways")])
    assert found["in use"].tolist() == ["", "yes"]
    assert found["RMSE (% of mean)"].tolist() == ["5.00", "4.00"]
