"""Networks in containers, and odd ones: the scores of what is inside, or a reason; never a wrong number."""

import math

import pytest
import torch
import torchvision
from small_networks import noise, small
from torch import distributed, nn
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import checkpoint_wrapper
from torch.nn.utils import parametrizations, parametrize, prune
from torch.optim.swa_utils import AveragedModel

from zsnas.proxies import measure, private_copy

# TorchScript knows functions by their ids. It learns them here, before a test puts others in their place for
# a while, whose ids may be those of something else afterwards.
torch.jit._builtins._get_builtin_table()

PARAMS = 8 * 3 * 9 + 16 + (8 * 4 * 9 + 8) + 16 + (24 + 3)


def outcomes(network):
    """Return value and reason of each proxy, equal exactly when the bits are."""
    return {name: (m.value.hex(), m.reason) for name, m in measure(network, noise()).items()}


@pytest.fixture(scope="module")
def bare():
    return outcomes(small())


class Halves(nn.Module):
    """A network in two parts."""

    def __init__(self, part=lambda module: module):
        super().__init__()
        self.features, self.head = part(small()[:8]), part(small()[8:])

    def forward(self, x):
        return self.head(self.features(x))


@pytest.fixture(scope="module")
def halves():
    return outcomes(Halves())


@pytest.fixture
def process_group():
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


def compiled_in_place(network):
    network.compile()
    return network


WRAPPERS = {
    "compiled": torch.compile,
    "compiled in place": compiled_in_place,
    "DataParallel": nn.DataParallel,
    "averaged": AveragedModel,
    "checkpointed": checkpoint_wrapper,
    "a graph": torch.fx.symbolic_trace,
    "several": lambda network: nn.DataParallel(torch.compile(AveragedModel(network))),
}


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
def test_a_wrapper_does_not_matter(wrap, bare):
    wrapped = wrap(small())
    inside = list(wrapped.modules())
    assert outcomes(wrapped) == bare
    assert list(wrapped.modules()) == inside


@pytest.mark.parametrize("wrap", [torch.compile, nn.DataParallel, checkpoint_wrapper])
def test_a_wrapper_inside_does_not_matter(wrap, halves):
    assert outcomes(Halves(wrap)) == halves


@pytest.mark.usefixtures("process_group")
def test_a_network_of_several_processes_is_the_one_inside(bare):
    assert outcomes(nn.parallel.DistributedDataParallel(small())) == bare


@pytest.mark.filterwarnings("ignore:FSDP is switching to use `NO_SHARD`")
@pytest.mark.usefixtures("process_group")
def test_a_sharded_network_has_not_all_weights_here():
    from torch.distributed.fsdp import FullyShardedDataParallel

    sharded = FullyShardedDataParallel(small(), device_id=torch.device("cpu"))
    (reason,) = {m.reason for m in measure(sharded, noise()).values()}
    assert reason == "the network is sharded; score it before FullyShardedDataParallel wraps it"


class Scaled(nn.Module):
    """No wrapper of torch, though it holds a module of this name."""

    def __init__(self):
        super().__init__()
        self.module = small()

    def forward(self, x):
        return 2 * self.module(x)


def test_what_only_looks_like_a_wrapper_stays(bare):
    assert outcomes(Scaled())["grad_norm"] != bare["grad_norm"]


SCRIPT = "the network is TorchScript, whose layers cannot be seen; score what it was made from"
EXPORTED = "the network is an exported graph without layers; score what it was made from"


def exported(network):
    images = noise().images
    return torch.export.export(network.eval(), (images,)).module()


@pytest.mark.filterwarnings("ignore:.torch.jit.* is deprecated")
@pytest.mark.parametrize(
    ("make", "reason", "counted"),
    [
        (lambda: torch.jit.script(small()), SCRIPT, {"params", "flops"}),
        (lambda: torch.jit.trace(small().eval(), noise().images), SCRIPT, {"params", "flops"}),
        (lambda: Halves(torch.jit.script), SCRIPT, {"params", "flops"}),
        (lambda: exported(small()), EXPORTED, {"params"}),  # it runs on batches of its own size alone
        (lambda: nn.Sequential(exported(small()[:8]), small()[8:]), EXPORTED, {"params"}),
    ],
    ids=["script", "trace", "scripted parts", "export", "exported part"],
)
def test_what_cannot_be_seen_inside_is_only_counted(make, reason, counted, bare):
    measured = measure(make(), noise())
    assert measured["params"].value == PARAMS
    for name in counted:
        assert measured[name].value.hex() == bare[name][0]
    for name in set(measured) - {"params", "flops", "az_complexity"}:
        assert (math.isnan(measured[name].value), measured[name].reason) == (True, reason), name


FEATURES = ["zen_score", "zen_score_once", "zen_score_printed", "meco", "az_trainability", "az_expressivity"]
"""Proxies that read features and no logits."""


@pytest.fixture(scope="module")
def detector():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return torchvision.models.detection.fasterrcnn_mobilenet_v3_large_320_fpn(
            weights=None, weights_backbone=None, num_classes=3, min_size=64, max_size=64
        )


@pytest.mark.parametrize("name", [*FEATURES, "snip"])
def test_boxes_are_no_features_either(name, detector):
    """The detector resizes the images, and its last layers see regions of its own choice."""
    reason = measure(detector, noise(2, 64), [name])[name].reason
    assert reason == "the network returns a list of dict, not logits"


class Pyramid(nn.Module):
    """A backbone that returns feature maps of several sizes."""

    def __init__(self):
        super().__init__()
        self.first, self.second = small()[:7], nn.Conv2d(8, 8, 1)

    def forward(self, x):
        x = self.first(x)
        return [x, self.second(x)]


def test_features_alone_are_features():
    value, reason, _ = measure(Pyramid(), noise(), ["meco"])["meco"]
    assert reason is None
    assert value > 0


class Keeps(nn.Module):
    """A network that keeps activations, in its attributes and deep inside them."""

    def __init__(self):
        super().__init__()
        self.body, self.kept = small(), {"outputs": []}

    def forward(self, x):
        self.last = self.body(x)
        self.kept["outputs"].append(self.last * 2)
        return self.last


def test_a_network_may_keep_its_activations():
    fresh, used = Keeps(), Keeps().eval()
    used(noise().images)
    last, kept = used.last, list(used.kept["outputs"])
    assert outcomes(used) == outcomes(fresh)
    assert used.last is last
    assert [id(x) for x in used.kept["outputs"]] == [id(x) for x in kept]
    assert last.grad_fn is not None


def test_an_activation_that_is_kept_twice_is_copied_once():
    network = small()
    network.first = network.second = network[0].weight * 2
    copied = private_copy(network)
    assert copied.first is copied.second
    assert torch.equal(copied.first, network.first)
    assert not copied.first.requires_grad


def test_what_eval_returns_does_not_matter():
    class Silent(Halves):
        def eval(self):
            super().eval()

    assert outcomes(Silent()) == outcomes(Halves())


def parametrised(wrap, layer=0):
    network = small()
    wrap(network[layer])
    return network


COMPUTED = "is computed from other parameters, as by weight norm; remove this parametrisation first"
PRUNED = "is pruned; make that permanent first: torch.nn.utils.prune.remove(layer, '{}')"
GRADIENTS = ["snip", "synflow", "gradsign", "zen_score", "naswot", "ntk_cond"]


def without_half(layer):
    prune.l1_unstructured(layer, "weight", 0.5)


def without_biases(layer):
    prune.random_unstructured(layer, "bias", 0.5)


COMPUTING = {
    "pruned": (parametrised(without_half), "the weight of a Conv2d " + PRUNED.format("weight")),
    "pruned bias": (parametrised(without_biases, 3), "the bias of a Conv2d " + PRUNED.format("bias")),
    "weight norm": (
        parametrised(parametrizations.weight_norm),
        f"the weight of a ParametrizedConv2d {COMPUTED}",
    ),
    "spectral norm": (
        parametrised(parametrizations.spectral_norm),
        f"the weight of a ParametrizedConv2d {COMPUTED}",
    ),
    "orthogonal": (
        parametrised(parametrizations.orthogonal, 9),
        f"the weight of a ParametrizedLinear {COMPUTED}",
    ),
    "spectral norm by hooks": (parametrised(nn.utils.spectral_norm), f"the weight of a Conv2d {COMPUTED}"),
}


@pytest.mark.parametrize(("network", "reason"), COMPUTING.values(), ids=COMPUTING)
def test_a_weight_that_is_computed_is_no_parameter(network, reason):
    assert {m.reason for m in measure(network, noise(), GRADIENTS).values()} == {reason}


def test_pruning_that_was_made_permanent_gives_the_scores_of_the_masked_weights():
    network, masked = parametrised(without_half), small()
    masked[0].weight.data *= network[0].weight_mask
    prune.remove(network[0], "weight")
    assert outcomes(network) == outcomes(masked)


def test_the_length_of_pruned_weights_is_that_of_what_is_left():
    network, permanent = parametrised(without_half), parametrised(without_half)
    prune.remove(permanent[0], "weight")
    (length,) = measure(network, noise(), ["l2_norm"]).values()
    assert length.value == pytest.approx(measure(permanent, noise(), ["l2_norm"])["l2_norm"].value)


def replaced(weight):
    network = small()
    network[9].weight = weight(network[9].weight)
    return network


def as_bytes(weight):
    return nn.Parameter((100 * weight).char(), requires_grad=False)


ODD_WEIGHTS = {
    "int8": (
        lambda: replaced(as_bytes),
        "the weight of a Linear is of type int8, and scores are defined for",
    ),
    "complex": (
        lambda: small().to(torch.complex64),
        "the weight of a Conv2d is of type complex64, and scores",
    ),
    "meta": (lambda: small().to("meta"), "the weights of the network have no values: they are on the device"),
    "none": (lambda: replaced(lambda _: None), "must be Tensor, not NoneType"),
}
COUNTED = {"params", "flops", "az_complexity"}


@pytest.mark.filterwarnings("ignore:Complex modules are a new feature")
@pytest.mark.parametrize(("build", "why"), ODD_WEIGHTS.values(), ids=ODD_WEIGHTS)
def test_weights_that_are_no_real_numbers(build, why):
    network = build()
    measured = measure(network, noise())
    assert measured["params"].value == sum(p.numel() for p in network.parameters())
    assert why in measured["snip"].reason
    for name in set(measured) - COUNTED - {"l2_norm"}:
        assert math.isnan(measured[name].value), name
        assert len(measured[name].reason.split()) > 4, name
    others = small()[:9] if network[9].weight is None else None  # the length of the weights that there are
    expected = measure(others, noise(), ["l2_norm"])["l2_norm"].value if others else math.nan
    assert measured["l2_norm"].value == pytest.approx(expected, nan_ok=True)


@pytest.mark.filterwarnings("ignore:.*deprecated")
def test_the_weights_of_quantised_modules_are_not_counted_as_none():
    quantised = torch.ao.quantization.quantize_dynamic(small().eval(), {nn.Linear})
    (reason,) = {m.reason for m in measure(quantised, noise()).values()}
    assert reason == (
        "the network is quantised: the weights of its Linear are no parameters; "
        "score the network that it was made from"
    )


@pytest.mark.parametrize("kind", [torch.float8_e4m3fn, torch.float8_e5m2, torch.bfloat16, torch.float16])
def test_low_precision_is_scored_in_single(kind):
    assert outcomes(small().to(kind)) == outcomes(small().to(kind).float())


class Empty(nn.Module):
    """Parameters without an entry, in layers and lists, beside a network."""

    def __init__(self):
        super().__init__()
        self.body, self.wide, self.narrow = (
            small(),
            nn.Conv2d(8, 0, 1, bias=False),
            nn.Linear(0, 3, bias=False),
        )
        self.listed = nn.ParameterList([torch.zeros(0, 3), torch.zeros(0)])
        self.named = nn.ParameterDict({"empty": torch.zeros(3, 0)})

    def forward(self, x):
        return self.body(x) + self.narrow(x.new_zeros(len(x), 0)) + self.listed[1].sum()


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_parameters_without_an_entry_change_nothing():
    names = ["params", "flops", "snip", "grad_norm", "gradsign", "synflow", "fisher", "zico", "l2_norm"]
    with_empty, without = measure(Empty(), noise(), names), measure(small(), noise(), names)
    assert {n: m.value for n, m in with_empty.items()} == pytest.approx(
        {n: m.value for n, m in without.items()}
    )


def test_a_module_that_is_used_twice_is_copied_once():
    network = small()
    network.append(network[9])  # the same object under a second name
    network[9] = nn.Identity()
    copied = private_copy(nn.ModuleList([network, network]))
    assert copied[0] is copied[1]


@pytest.mark.parametrize("default", [torch.float64, torch.float16])
def test_the_default_type_of_torch_does_not_matter(default, bare):
    network, batch, before = small(), noise(), torch.get_default_dtype()
    try:
        torch.set_default_dtype(default)
        measured = measure(network, batch)
    finally:
        torch.set_default_dtype(before)
    assert {name: (m.value.hex(), m.reason) for name, m in measured.items()} == bare


def test_a_parametrisation_that_is_removed_leaves_a_weight():
    network = parametrised(parametrizations.weight_norm)
    parametrize.remove_parametrizations(network[0], "weight")
    assert measure(network, noise(), ["snip"])["snip"].reason is None
