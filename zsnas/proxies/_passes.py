"""The passes through a network that proxies share, each made at most once and only when a proxy asks."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import wraps
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules.batchnorm import _BatchNorm

from zsnas.macs import MacCounter
from zsnas.proxies._placement import check_layers, check_placement, double, private_copy, with_network
from zsnas.proxies._sample_gradients import sample_gradients
from zsnas.proxies._trace import LAYERS, Trace, check_statistics, tracing
from zsnas.proxies._undefined import Undefined, reason_of

if TYPE_CHECKING:
    from zsnas.batches import Batch
    from zsnas.tasks import Task

ZEN_PERTURBATION = 1e-2

Statistics = Literal["batch", "running", "sample"]
"""What batch norm normalises by: the batch, its running statistics, or each image by itself."""


class Training(NamedTuple):
    """The forward pass of a training step."""

    logits: Tensor
    """(batch, classes) or what the task of the batch asks for, part of the autograd graph."""
    loss: Tensor
    """Mean loss of the task over the batch, cross-entropy for classification, part of the autograd graph."""
    trace: Trace


class Gradients(NamedTuple):
    """Derivatives of the loss, themselves differentiable."""

    weights: list[Tensor]
    """One for each of :attr:`Passes.weights`."""
    outputs: list[Tensor]
    """One for each output of a convolution or linear layer in :attr:`Training.trace`."""


class SynapticFlow(NamedTuple):
    """The flow through the network of absolute weights, float64."""

    weights: list[Tensor]
    """Absolute convolution and linear weights."""
    gradients: list[Tensor]
    """Derivatives of the summed output with respect to them."""


class GaussianProbe(NamedTuple):
    """The answer of a network of Gaussian weights to Gaussian noise."""

    difference: Tensor
    """Change of the features (batch, …) when the input is perturbed."""
    variances: list[Tensor]
    """Unbiased variance (channels,) of the input of each batch norm."""


T = TypeVar("T")


def shared_pass(make: Callable[[Passes], T]) -> Callable[[Passes], T]:
    """Make a pass at most once for each :class:`Passes`, when it is first asked for.

    It draws from torch's global generator seeded by ``passes.seed``, and leaves that as it was. Whatever it
    raises becomes the reason of an :class:`Undefined`, which is remembered. A pass that only one file needs
    is a decorated function there.
    """

    @wraps(make)
    def once(passes: Passes) -> T:
        if make not in passes.results and make not in passes.failures:
            try:
                with _isolated(passes.seed, passes.images.device):
                    passes.results[make] = make(passes)
            except Undefined as undefined:
                passes.failures[make] = str(undefined)
            except Exception as error:  # noqa: BLE001 (a network may raise anything)
                name = make.__name__.strip("_").replace("_", " ")
                passes.failures[make] = reason_of(error, f"{name} pass failed")
        if make in passes.failures:  # an exception kept there would keep the whole graph in memory
            raise Undefined(passes.failures[make])
        result: T = passes.results[make]
        return result

    return once


@contextmanager
def _isolated(seed: int, device: torch.device) -> Iterator[None]:
    """Let the body draw from generators seeded by ``seed``; leave the global ones as they were.

    It differentiates in full precision, whatever the caller has switched off or on around it.
    """
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        if torch.amp.is_autocast_available(device.type):
            stack.enter_context(torch.autocast(device.type, enabled=False))
        stack.enter_context(torch.random.fork_rng(devices=[device] if device.type == "cuda" else []))
        torch.default_generator.manual_seed(seed)
        if device.type == "cuda":
            stack.enter_context(torch.cuda.device(device))
            torch.cuda.manual_seed(seed)
        elif device.type == "mps":
            stack.callback(torch.mps.set_rng_state, torch.mps.get_rng_state())
            torch.mps.manual_seed(seed)
        yield


class Passes:
    """One network and one batch, and what has been computed of them so far.

    Everything runs on a private copy, so that the caller's model stays as it is: weights, buffers, mode,
    hooks and flags. Dropout and stochastic depth are off. Batch norm uses ``statistics``, except in
    :attr:`synaptic_flow` and :attr:`macs`, where it uses the running ones. "Layers" are convolutions and
    linear layers; only their weights are differentiated, frozen or not.

    Parameters
    ----------
    model
        Takes images (batch, channels, height, width) to logits (batch, classes), or to what the task of the
        batch asks for.
    batch
        Images, labels and the number of classes.
    seed
        For whatever a pass draws at random.
    statistics
        What batch norm normalises by: ``"batch"``, as in a training step; ``"running"``, as in a trained
        network that is used; ``"sample"``, each image as a batch of its own.
    device
        ``"cpu"``, ``"cuda"`` or ``"mps"``; by default where the network is. The images follow the network.
    dtype
        ``"float32"`` or ``"float64"``; by default that of the network, single precision for half.

    Raises
    ------
    ValueError
        When the device or the precision cannot be had.
    Undefined
        When the network has no weights yet, or cannot be copied.
    """

    def __init__(
        self,
        model: nn.Module,
        batch: Batch,
        seed: int = 0,
        statistics: Statistics = "batch",
        device: str | torch.device | None = None,
        dtype: str | torch.dtype | None = None,
    ) -> None:
        check_placement(device, dtype)
        self.model = private_copy(model, device, dtype)
        self.layers = [module for module in self.model.modules() if isinstance(module, LAYERS)]
        self.weights = list({id(layer.weight): layer.weight for layer in self.layers}.values())
        self.model.requires_grad_(False)
        for weight in self.weights:
            weight.requires_grad_(True)
        self.seed = seed
        self.statistics = statistics
        self.take(with_network(batch, self.model, device, dtype))

    def using(self, statistics: Statistics) -> Passes:
        """Return passes of the same network and batch with these statistics, none of them made yet."""
        passes = copy.copy(self)
        passes.statistics = statistics
        passes.take(self.batch)
        return passes

    def take(self, batch: Batch) -> None:
        """Take this batch, of which nothing has been computed yet."""
        self.batch = batch
        self.images = batch.images.to(memory_format=torch.channels_last)
        self.labels = batch.labels
        self.results: dict[Callable[[Passes], Any], Any] = {}
        self.failures: dict[Callable[[Passes], Any], str] = {}

    @property
    @shared_pass
    def parameter_count(self) -> int:
        """How many parameters there are; a tied one counts once."""
        return sum(parameter.numel() for parameter in self.model.parameters())

    @property
    @shared_pass
    def macs(self) -> int:
        """Multiply-accumulates of one image through convolutions, linear layers and matrix products."""
        with MacCounter() as counter, torch.no_grad():
            self.model(self.images[:1].clone())  # which the network may overwrite
        total: int = counter.total
        return total

    @property
    @shared_pass
    def training(self) -> Training:
        """Forward pass and loss."""
        self._check_weights()
        self._inputs = self.images.clone().requires_grad_()
        logits, trace = self._forward()
        if trace.overwritten:
            logits, trace = self._forward(copies=True)
        if trace.overwritten:
            raise Undefined("the network overwrites what its activations returned")
        if not logits.isfinite().all():
            raise Undefined("the network's outputs are not finite")
        self._check_target(logits)
        return Training(logits, self.batch.task.loss(logits, self.labels), trace)

    def _forward(self, *, copies: bool = False) -> tuple[Tensor, Trace]:
        with self._tracing(copies=copies) as trace:
            output = self.model(self._inputs.clone())  # a network may overwrite what it is given
        return _logits(output, self.batch.task), trace

    def _check_target(self, output: Tensor) -> None:
        if self.batch.task.criterion == "cross_entropy":
            classes = output.shape[1]
            missing = self.labels[(self.labels < 0) | (self.labels >= classes)]
            if len(missing):
                raise Undefined(
                    f"label {int(missing.max())} has no output: the network has {classes} classes"
                )
        elif output.shape != self.labels.shape:  # which the loss would broadcast
            raise Undefined(
                f"the target has the shape {tuple(self.labels.shape)}, the output {tuple(output.shape)}"
            )

    def _check_weights(self) -> None:
        check_layers(self.model)
        if not self.weights:
            raise Undefined("the network has no convolution or linear layer")

    @property
    @shared_pass
    def gradients(self) -> Gradients:
        """Backward pass of the loss to the weights and outputs of all layers."""
        outputs = [output.value for output in self.training.trace.outputs]
        gradients = _gradient([self.training.loss], [*self.weights, *outputs], create_graph=True)
        return Gradients(gradients[: len(self.weights)], gradients[len(self.weights) :])

    @property
    @shared_pass
    def curvature(self) -> float:
        """Product of weights, Hessian of the loss and gradient, θᵀ H ∇L, over all layers together."""
        gradients = [g for g in self.gradients.weights if g.requires_grad]
        if not gradients:
            return 0.0
        trace = self.training.trace
        scaled = Counter(id(weight) for weight, _ in trace.scaled)
        uses = Counter(id(output.layer.weight) for output in trace.outputs)
        others = [w for w in self.weights if not scaled[id(w)] or uses[id(w)] > scaled[id(w)]]
        # A scale is 1, so that it is its own direction.
        inputs = [scale for _, scale in trace.scaled] + others
        with trace.wanted.only("scales"):
            derivatives = _gradient(gradients, inputs, along=[g.detach() for g in gradients])
        return sum(torch.sum(d * x).item() for d, x in zip(derivatives, inputs, strict=True))

    @property
    @shared_pass
    def input_jacobian(self) -> Tensor:
        """How the sum of all logits changes with the images, (batch, channels × height × width)."""
        with self.training.trace.wanted.only("inputs"):
            (jacobian,) = _gradient([self.training.logits.sum()], [self._inputs])
        if not jacobian.isfinite().all():
            raise Undefined("the input gradients are not finite")
        return jacobian.flatten(1)

    @property
    @shared_pass
    def half_gradients(self) -> tuple[list[Tensor], list[Tensor]]:
        """Gradients of the loss on each half of the batch, one tensor for each weight."""
        middle = len(self.images) // 2
        if not middle:
            raise Undefined("a batch of one image has no halves")
        first, second = (
            replace(self.batch, images=self.batch.images[part], labels=self.batch.labels[part])
            for part in (slice(middle), slice(middle, 2 * middle))
        )
        return self._weight_gradients(first), self._weight_gradients(second)

    def _weight_gradients(self, batch: Batch) -> list[Tensor]:
        half = copy.copy(self)
        half.take(batch)
        gradients = [gradient.detach() for gradient in half.gradients.weights]
        if not all(gradient.isfinite().all() for gradient in gradients):
            raise Undefined("the gradients of the weights are not finite")
        return gradients

    @property
    @shared_pass
    def sign_agreement(self) -> float:
        """Over all weights, by how many images more than half of the others agree on the gradient's sign."""
        return sum(
            torch.stack([rows.sign_().sum(0) for rows in blocks]).sum(0).abs().sum().item()
            for blocks in self._sample_gradients(self.training.loss)
        )

    @property
    @shared_pass
    def tangent_kernel(self) -> Tensor:
        """Neural tangent kernel: products of the images' gradients of the summed logits, (batch, batch)."""
        if self.statistics == "batch":
            rows = torch.stack([self._logit_gradient(image) for image in range(len(self.images))])
            return rows @ rows.T
        blocks_by_weight = self._sample_gradients(self.training.logits.sum())
        return torch.stack([_products(blocks) for blocks in blocks_by_weight]).sum(0)

    def _logit_gradient(self, image: int) -> Tensor:
        gradients = _gradient([self.training.logits[image].sum()], self.weights)
        return torch.cat([gradient.flatten() for gradient in gradients])

    def _sample_gradients(self, value: Tensor) -> Iterator[list[Tensor]]:
        if self.statistics == "batch":
            raise Undefined("with batch statistics no image has a gradient of its own")
        outputs = self.training.trace.outputs
        with self.training.trace.wanted.only("inputs"):
            gradients = _gradient([value], [output.value for output in outputs])
        return sample_gradients(outputs, gradients)

    @property
    @shared_pass
    def activation_agreement(self) -> Tensor:
        """In how many ReLU units two images agree to be on or off, (batch, batch), float64.

        The diagonal holds the number of units.
        """
        rectified = self.training.trace.rectified
        if not rectified:
            raise Undefined("the network has no ReLU-like activation")
        rows = {len(output) for output in rectified} - {len(self.images)}
        if rows:
            raise Undefined(
                f"the first axis of an activation has length {min(rows)} for {len(self.images)} images: "
                "the network moves parts of an image along the batch"
            )
        once = {_place(output): output for output in rectified}  # edges from one node share a tensor
        times = Counter(map(_place, rectified))
        return torch.stack([times[place] * _agreement(output) for place, output in once.items()]).sum(0)

    @property
    @shared_pass
    def synaptic_flow(self) -> SynapticFlow:
        """Absolute parameters, running statistics in batch norm, an image of ones, in float64."""
        return self._flow()

    @property
    @shared_pass
    def normalised_flow(self) -> SynapticFlow:
        """Absolute parameters as before, but batch norm uses the statistics of the image of ones."""
        with self.batch_statistics():
            return self._flow()

    def _flow(self) -> SynapticFlow:
        self._check_weights()
        # Batch norm may update its statistics, which in a network of float64 must not be the network's own.
        values = {id(buffer): double(buffer).clone() for buffer in self.model.buffers()}
        values |= {id(p): double(p).abs().detach() for p in self.model.parameters()}
        weights = [values[id(weight)].requires_grad_() for weight in self.weights]
        ones = torch.ones_like(double(self.images[:1]))
        output = _logits(with_values(self.model, values, ones), self.batch.task)
        return SynapticFlow(weights, _gradient([output.sum()], weights))

    @property
    @shared_pass
    def gaussian_probe(self) -> GaussianProbe:
        """Features of Gaussian noise with and without a perturbation, all weights redrawn from N(0, 1)."""
        values, noise, direction = self._gaussian_draw()
        features, trace = self._features(values, noise.clone())
        perturbed, _ = self._features(values, noise + ZEN_PERTURBATION * direction)
        if not (features.isfinite().all() and perturbed.isfinite().all()):
            raise Undefined("the features of Gaussian weights exceed the range of the precision")
        return GaussianProbe(features - perturbed, trace.variances)

    @property
    @shared_pass
    def sample_variances(self) -> list[Tensor]:
        """For the same noise and each batch norm: each image's variance, a mean over channels, (batch,)."""
        values, noise, _ = self._gaussian_draw()
        _, trace = self._features(values, noise, sample_variances=True)
        return trace.sample_variances

    def _gaussian_draw(self) -> tuple[dict[int, Tensor], Tensor, Tensor]:
        """Draw the layers' weights, noise and a direction, the same in every pass."""
        check_layers(self.model)
        values = {id(weight): self._gaussian(weight) for weight in self.weights}
        biases = [layer.bias for layer in self.layers if layer.bias is not None]
        values |= {id(bias): torch.zeros_like(bias) for bias in biases}
        return values, self._gaussian(self.images), self._gaussian(self.images)

    def _gaussian(self, like: Tensor) -> Tensor:
        """Draw in the order of the axes and in single precision, whatever the layout, type and device."""
        drawn = standard_normal(like.shape)
        return drawn.to(like).to(memory_format=torch.channels_last) if like.dim() == 4 else drawn.to(like)

    def _features(
        self, values: dict[int, Tensor], images: Tensor, *, sample_variances: bool = False
    ) -> tuple[Tensor, Trace]:
        with torch.no_grad(), self._tracing(sample_variances=sample_variances) as trace:
            with_values(self.model, values, images)
        features = trace.pooled if trace.pooled is not None else trace.classified
        if self.batch.task.is_dense:
            features = trace.last_input
        if features is None:
            raise Undefined("the network has no global pooling and no linear layer to take features from")
        return features, trace

    @contextmanager
    def _tracing(self, *, sample_variances: bool = False, copies: bool = False) -> Iterator[Trace]:
        with ExitStack() as stack:
            if self.statistics != "running":
                stack.enter_context(self.batch_statistics())
            by_itself = self.statistics == "sample"
            yield stack.enter_context(
                tracing(
                    self.model,
                    each_by_itself=by_itself,
                    sample_variances=sample_variances,
                    copies=copies,
                )
            )

    @contextmanager
    def batch_statistics(self) -> Iterator[None]:
        """Let batch norm normalise by what it is given, in the body of the ``with`` statement."""
        norms = [module for module in self.model.modules() if isinstance(module, _BatchNorm)]
        with ExitStack() as stack:
            for norm in norms:
                stack.callback(norm.train().eval)
                stack.callback(norm.register_forward_pre_hook(_check_values).remove)
            yield


def _check_values(_norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    check_statistics(inputs[0])


def with_values(model: nn.Module, values: dict[int, Tensor], images: Tensor) -> object:
    """Run a network with other values of the parameters and buffers that have these ids.

    Each attribute of each module is replaced once. Torch replaces a module that has two names twice, and then
    leaves in it what was to be there for this one call.
    """
    state = {
        f"{path}.{role}".lstrip("."): values[id(tensor)]
        for path, module in model.named_modules()
        for role, tensor in chain(
            module.named_parameters(recurse=False, remove_duplicate=False),
            module.named_buffers(recurse=False, remove_duplicate=False),
        )
        if id(tensor) in values
    }
    return functional_call(model, state, (images,), tie_weights=False)


def standard_normal(shape: Sequence[int]) -> Tensor:
    """Draw on the processor and in single precision, so that every device and precision gets the same."""
    return torch.randn(shape, dtype=torch.float32, device="cpu")


def _logits(output: object, task: Task) -> Tensor:
    """Return the first tensor of a network's output: (batch, classes) or, of a dense task, an image."""
    logits = first_tensor(output)
    if logits is None:
        raise Undefined(f"the network returns {type(output).__name__}, not logits")
    if logits.dim() != (4 if task.is_dense else 2):
        wanted = "(batch, channels, height, width)" if task.is_dense else "(batch, classes)"
        raise Undefined(f"the network returns shape {tuple(logits.shape)}, not {wanted}")
    return logits


def first_tensor(output: object) -> Tensor | None:
    """Return a tensor, or the first one of a tuple, list or dict that may be nested; None without any."""
    if isinstance(output, Tensor):
        return output
    if not isinstance(output, Mapping | tuple | list):
        return None
    branches = output.values() if isinstance(output, Mapping) else output
    return next((found for found in map(first_tensor, branches) if found is not None), None)


def _gradient(
    values: list[Tensor],
    inputs: list[Tensor],
    *,
    along: list[Tensor] | None = None,
    create_graph: bool = False,
) -> list[Tensor]:
    """Differentiate the sum of values (times ``along``); an input without influence has gradient zero."""
    if not any(value.requires_grad for value in values):
        raise Undefined("the outputs have no gradient: the network detaches them or runs without gradients")
    return list(
        torch.autograd.grad(
            values,
            inputs,
            along,
            retain_graph=True,
            create_graph=create_graph,
            allow_unused=True,
            materialize_grads=True,
        )
    )


def _products(blocks: list[Tensor]) -> Tensor:
    """Return the inner products of all rows of the blocks; each pair of blocks is multiplied once."""
    right = [[one @ other.T for other in blocks[i:]] for i, one in enumerate(blocks)]
    left = [[right[j][i - j].T for j in range(i)] for i in range(len(blocks))]
    return torch.cat([torch.cat([*row, *rest], 1) for row, rest in zip(left, right, strict=True)])


def _place(tensor: Tensor) -> tuple[int, torch.Size]:
    """Tell tensors apart by where their values are."""
    return tensor.data_ptr(), tensor.shape


def _agreement(rectified: Tensor) -> Tensor:
    in_memory = rectified.movedim(1, -1) if rectified.dim() == 4 else rectified  # the order does not matter
    signs = (in_memory.flatten(1) > 0).to(torch.float32).mul_(2).sub_(1)
    return double(signs @ signs.T).add_(signs.shape[1]).div_(2)
