"""What is exact is exact, and what is not is told apart from it."""

import pytest

from zsnas.book.studies import theory


@pytest.mark.parametrize("seed", [0, 7])
def test_synflow_and_the_printed_snip_are_conserved(seed):
    synflow, printed, authors = theory.conserved(seed)
    assert synflow.spread < theory.ROUNDING
    assert printed.spread < theory.ROUNDING
    assert authors.spread > 0.01


def test_the_spread_is_relative_to_the_largest():
    assert theory.Layers("x", (4.0, 3.0, 2.0)).spread == 0.5


def test_one_layer_of_one_weight_on_paper():
    # One weight w and an input of one: SynFlow is |w|, the summed output; one class has no loss.
    synflow, printed, authors = theory.conserved(0, widths=(1, 1), images=1)
    assert len(synflow.sums) == 1
    assert (printed.sums, authors.sums) == ((0.0,), (0.0,))


@pytest.mark.parametrize("seed", [0, 7])
def test_the_error_of_a_first_order_term_falls_with_the_square(seed):
    for found in theory.expansions(seed):
        assert found.order == pytest.approx(2, abs=0.05)


def test_the_order_is_the_power_of_the_step():
    assert theory.Expansion("x", 1.0, 0.8, 0.1).order == pytest.approx(3)


@pytest.mark.parametrize("seed", [0, 7])
def test_the_fisher_information_is_the_curvature_for_the_labels_of_the_model_only(seed):
    off = theory.fisher_and_curvature(seed)
    assert off["own predictions"] < theory.ROUNDING
    assert off["labels"] > 0.1


@pytest.mark.parametrize("seed", [0, 7])
def test_perturbation_and_gradient_agree_in_the_mean_of_squares(seed):
    means, squares = theory.perturbed_and_differentiated(seed)
    assert squares == pytest.approx(1, abs=0.02)
    assert means < squares


def test_a_neuron_has_two_regions():
    assert theory.regions_of_a_neuron(7) == 2


def test_a_linear_model_follows_its_kernel_and_a_narrow_network_less():
    off = theory.kernel_dynamics(0, widths=(16,), steps=50)
    assert off["a linear model"] < 0.01 < off["16 hidden units"] * 10
    assert off["a linear model"] < off["16 hidden units"]
