import pytest
import torch
from torch import nn

from zsnas.batches import Batch
from zsnas.models import ModelError, fit, model

FUNCTIONS = """
from torch import nn

def with_classes(num_classes):
    return nn.Linear(2, num_classes)

def without():
    return nn.Linear(2, 3)

def needy(width):
    return nn.Linear(width, 3)

def no_network():
    return 3

answer = 42
"""


@pytest.fixture
def here(tmp_path, monkeypatch, request):
    """Work in a folder with a module of functions, under a name of its own for each test."""
    module = f"functions_{abs(hash(request.node.name))}"
    (tmp_path / f"{module}.py").write_text(FUNCTIONS)
    monkeypatch.chdir(tmp_path)
    return module


def images(side):
    pixels = torch.randn(4, 3, side, side, generator=torch.Generator().manual_seed(0))
    return Batch(pixels, torch.arange(4), 5, "noise")


@pytest.mark.parametrize(
    "name", ["timm:test_resnet", "torchvision:squeezenet1_0", "timm:test_resnet.r160_in1k"]
)
def test_libraries_give_networks_with_the_classes_asked_for(name):
    assert model(name, 7, seed=0).eval()(torch.zeros(1, 3, 64, 64)).shape == (1, 7)


def test_weights_follow_from_the_seed_and_the_global_generator_stays():
    before = torch.get_rng_state()
    first, again, other = (
        model("timm:test_resnet", 5, seed).state_dict()["conv1.0.weight"] for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_function_of_the_current_folder_gives_a_network(here):
    assert model(f"{here}:with_classes", 9, seed=0).out_features == 9
    assert model(f"{here}:without", 9, seed=0).out_features == 3


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet18", "write timm:NAME, torchvision:NAME, MODULE:FUNCTION or FILE.py:FUNCTION"),
        ("timm:", "write timm:NAME"),
        ("timm:resnet81", "unknown timm model 'resnet81'; did you mean"),
        ("torchvision:resnet51", r"unknown torchvision model 'resnet51'; did you mean 'resnet50'\?"),
        ("no_such_module:build", "cannot import 'no_such_module' for the model"),
        (nn.Linear, "cannot read the model"),
        (
            None,
            "cannot read the model None: write timm:NAME, torchvision:NAME, MODULE:FUNCTION or FILE.py",
        ),
        ("{here}:nothing", "has no function 'nothing'"),
        ("{here}:answer", "has no function 'answer'"),
        ("{here}:needy", "must be callable with num_classes or without arguments.*width"),
        ("{here}:no_network", r"returned int, not a torch\.nn\.Module"),
    ],
)
def test_a_name_that_gives_no_network_says_why(name, message, here):
    with pytest.raises(ValueError, match=message):
        model(name.format(here=here) if isinstance(name, str) else name, 5, seed=0)


@pytest.mark.parametrize("classes", [0, -1, 2.5, "10", None, True])
def test_a_number_of_classes_that_is_none(classes):
    with pytest.raises(ValueError, match=rf"num_classes of a model is {classes!r}; it must be"):
        model("timm:test_resnet", classes, seed=0)


def classifier(classes=5):
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, classes))


def test_images_keep_their_size_when_the_network_takes_it():
    batch = images(8)
    assert fit(batch, classifier(), "my:network") is batch


def test_images_are_resized_to_the_default_of_a_network_that_needs_it():
    network = model("timm:test_vit", 5, seed=0)
    resized = fit(images(8), network, "timm:test_vit")
    assert resized.images.shape == (4, 3, 160, 160)
    assert resized.images.is_contiguous()
    assert resized.source == "noise; resized to 160×160"
    assert torch.equal(resized.labels, images(8).labels)


def test_torchvision_names_a_default_size_too():
    network = nn.Sequential(nn.AvgPool2d(224), nn.Flatten(), nn.Linear(3, 5))
    assert fit(images(8), network, "torchvision:resnet50").images.shape[-1] == 224


def test_a_size_asked_for_is_the_only_one_tried():
    assert fit(images(8), classifier(), "my:network", side=12).images.shape == (4, 3, 12, 12)
    with pytest.raises(ModelError, match="12×12"):
        fit(images(8), nn.Linear(8, 5), "my:network", side=12)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (nn.Sequential(nn.Flatten(), nn.Linear(7, 5)), r"my:network does not classify.*8×8: mat1 and mat2"),
        (classifier(classes=4), r"its output is \(2, 4\), not \(2, 5\); build it with num_classes=5"),
        (nn.Identity(), r"the network returns shape \(2, 3, 8, 8\), not \(batch, classes\)"),
        (nn.LSTM(8, 5), "my:network does not classify"),
    ],
)
def test_a_network_that_is_no_classifier_of_the_images_says_why(network, message):
    with pytest.raises(ModelError, match=message):
        fit(images(8), network, "my:network")


class Wrapped(nn.Module):
    """A classifier that returns more than its logits."""

    def __init__(self):
        super().__init__()
        self.body = classifier()

    def forward(self, x):
        return {"out": self.body(x), "images": x}


@pytest.mark.parametrize("network", [Wrapped(), classifier().half(), classifier().double()])
def test_a_network_that_can_be_scored_is_accepted(network):
    batch = images(8)
    assert fit(batch, network, "my:network") is batch


def test_a_device_that_is_not_here_is_refused():
    with pytest.raises(ValueError, match="the device 'cuda:99' is not on this machine"):
        fit(images(8), classifier(), "my:network", device="cuda:99")


def test_trying_a_network_leaves_it_and_the_generator_as_they_were():
    network = nn.Sequential(nn.BatchNorm2d(3), nn.Dropout(), classifier()).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    generator = torch.get_rng_state()
    fit(images(8), network, "my:network")
    assert network.training
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), generator)
