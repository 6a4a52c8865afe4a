"""The passes through a network that proxies share, each made at most once and only when a proxy asks."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import wraps
from itertools import chain
from typing import Any, Literal, NamedTuple, TypeVar

import torch
from jaxtyping import Float, Float64
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules.batchnorm import _BatchNorm

from zsnas._numbers import as_seed, torch_seeded
from zsnas.batches import Batch
from zsnas.macs import MacCounter
from zsnas.proxies._checkpointing import without_checkpointing
from zsnas.proxies._graph import uses
from zsnas.proxies._layouts import by_image, layouts
from zsnas.proxies._norms import by_the_batch, other_norms
from zsnas.proxies._outputs import logits_of
from zsnas.proxies._placement import check_layers, check_placement, double, private_copy, with_network
from zsnas.proxies._trace import Trace, check_statistics, tracing
from zsnas.proxies._undefined import Undefined, reason_of
from zsnas.proxies._weights import LAYERS, LOOKUPS, layer_weights

Statistics = Literal["batch", "running", "sample"]
"""What batch norm normalises by: the batch, its running statistics, or each image by itself."""


class Training(NamedTuple):
    """The forward pass of a training step."""

    logits: Float[Tensor, " batch outputs *pixels"]
    """What the task of the batch asks for, classes or numbers, part of the autograd graph."""
    loss: Float[Tensor, ""]
    """Mean loss of the task over the batch, cross-entropy for classification, part of the autograd graph."""
    trace: Trace


class Gradients(NamedTuple):
    """Derivatives of the loss, themselves differentiable."""

    weights: list[Tensor]
    """One for each of :attr:`Passes.weights`."""
    outputs: list[Tensor]
    """One for each output of a convolution or linear layer in :attr:`Training.trace`."""


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

    It differentiates in full precision, whatever the caller has switched off or on around it, and without
    activation checkpointing.
    """
    with ExitStack() as stack:
        stack.enter_context(without_checkpointing())
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        if torch.amp.is_autocast_available(device.type):
            stack.enter_context(torch.autocast(device.type, enabled=False))
        stack.enter_context(torch_seeded(seed, device))
        yield


class Passes:
    """One network and one batch, and what has been computed of them so far.

    Everything runs on a private copy, so that the caller's model stays as it is: weights, buffers, mode,
    hooks and flags. Dropout and stochastic depth are off. Batch norm uses ``statistics``, except in
    :attr:`macs`, where it uses the running ones, which a frozen one always does. "Layers" are convolutions
    and linear layers, recurrent ones, and embeddings of tokens; only their weights are differentiated, frozen
    or not.

    Parameters
    ----------
    model
        Takes images (batch, channels, height, width), series or tokens (batch, length) to logits (batch,
        classes), or to what the task of the batch asks for.
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
        When the device or the precision is unavailable.
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
        for parameter in self.model.parameters():  # TorchScript has no requires_grad_ for a module
            parameter.requires_grad_(False)
        self.seed = as_seed(seed)
        self.statistics = statistics
        self.take(with_network(batch, self.model, device, dtype))
        self.layers = [module for module in self.model.modules() if isinstance(module, LAYERS)]
        with _isolated(seed, self.images.device):
            self.weights = layer_weights(self.model, self.images[:1])
            self.other_norms = other_norms(self.model, self.images[:1])
        self._idle: set[int] = set()  # ids of weights that were found to have no influence
        for weight in self.weights:
            weight.requires_grad_(True)

    def using(self, statistics: Statistics) -> Passes:
        """Return passes of the same network and batch with these statistics, none of them made yet."""
        passes = copy.copy(self)
        passes.statistics = statistics
        passes.take(self.batch)
        return passes

    def take(self, batch: Batch) -> None:
        """Take this batch, of which nothing has been computed yet."""
        self.batch = batch
        self.images = batch.images
        if self.images.dim() == 4:
            self.images = self.images.to(memory_format=torch.channels_last)
        self.labels = batch.labels
        self.results: dict[Callable[[Passes], Any], Any] = {}
        self.failures: dict[Callable[[Passes], Any], str] = {}
        self.notes: list[str] = []

    @property
    @shared_pass
    def parameter_count(self) -> int:
        """How many parameters there are; a tied one counts once."""
        return sum(parameter.numel() for parameter in self.model.parameters())

    def note(self, words: str) -> None:
        """Put words beside the score that is being computed, whose value stands."""
        if words not in self.notes:
            self.notes.append(words)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one image, see :class:`zsnas.macs.MacCounter`; noted what it lacks."""
        counter = self._macs()
        if counter.unknown:
            self.note(f"the count leaves out what is not known to it: {', '.join(sorted(counter.unknown))}")
        return counter.total

    @shared_pass
    def _macs(self) -> MacCounter:
        with MacCounter() as counter, torch.no_grad():
            self.model(self.images[:1].clone())  # which the network may overwrite
        return counter

    @property
    @shared_pass
    def training(self) -> Training:
        """Forward pass and loss."""
        self.check_weights()
        self._inputs = self.images.clone().requires_grad_(self.images.is_floating_point())
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
        with self.tracing(copies=copies) as trace:
            output = self.model(self._inputs.clone())  # a network may overwrite what it is given
        return logits_of(output, self.batch), trace

    def _check_target(self, output: Tensor) -> None:
        if len(output) != len(self.labels):
            raise Undefined(f"the network returns {len(output)} rows of logits for {len(self.labels)} images")
        if self.batch.task.criterion == "cross_entropy":
            outputs, classes = output.shape[1], self.batch.num_classes
            if self.labels.max() >= outputs:
                raise Undefined(
                    f"label {int(self.labels.max())} has no output: the network has {outputs} outputs and "
                    f"the batch {classes} classes; build it with num_classes={classes}"
                )
        elif output.shape != self.labels.shape:  # which the loss would broadcast
            raise Undefined(
                f"the target has the shape {tuple(self.labels.shape)}, the output {tuple(output.shape)}"
            )

    def check_weights(self) -> None:
        """Raise Undefined for a network without layers, or with weights that cannot be differentiated."""
        check_layers(self.model)
        if not self.weights:
            raise Undefined("the network has no convolution or linear layer")

    @property
    @shared_pass
    def differentiable(self) -> Training:
        """The same, if the loss depends on weights as its graph says."""
        self.check_connected(self.training.loss, self.weights, self.weights)
        return self.training

    def check_connected(self, value: Tensor, leaves: Iterable[Tensor], tensors: Iterable[Tensor]) -> None:
        """Raise Undefined if the outputs depend on what the graph of a value does not go back to.

        Parameters
        ----------
        value
            Computed from the outputs.
        leaves
            What its graph should go back to.
        tensors
            For each of them the weight whose place it takes, or the images.
        """
        known = {use.weight for use in uses([value])}
        pairs = zip(leaves, tensors, strict=True)
        cut = [tensor for leaf, tensor in pairs if id(leaf) not in known and id(tensor) not in self._idle]
        if not cut or not value.requires_grad:
            return
        if self._depends_on(cut):
            raise Undefined(
                "a part of the network is cut off from its outputs, as by detach() or torch.no_grad(), "
                "and has no gradient; switch that off"
            )
        self._idle |= {id(tensor) for tensor in cut} & {id(weight) for weight in self.weights}

    def _depends_on(self, tensors: list[Tensor]) -> bool:
        """Tell whether the outputs for an image change a little when these do."""
        found = []
        for change in (0, 1e-3):
            with torch.no_grad(), torch_seeded(self.seed, self.images.device):
                values = {id(tensor): _nearby(tensor, change) for tensor in tensors}
                image = values.get(id(self.images), self.images)[:1].clone()
                found.append(logits_of(with_values(self.model, values, image), self.batch))
        before, after = found
        return not torch.allclose(
            before, after, rtol=0, atol=1e-6 * float(before.abs().max()), equal_nan=True
        )

    @property
    @shared_pass
    def gradients(self) -> Gradients:
        """Backward pass of the loss to the weights and outputs of all layers."""
        outputs = [output.value for output in self.differentiable.trace.outputs]
        gradients = gradient_of([self.training.loss], [*self.weights, *outputs], create_graph=True)
        return Gradients(gradients[: len(self.weights)], gradients[len(self.weights) :])

    @property
    @shared_pass
    def input_jacobian(self) -> Float[Tensor, " batch values"]:
        """How the sum of all logits changes with the values of each image.

        Of tokens, how it changes with the rows that are looked up for them.
        """
        if self.batch.kind == "tokens":
            jacobian = _jacobian_of_rows(self.differentiable, self.images)
        else:
            self.check_connected(self.differentiable.logits, [self._inputs], [self.images])
            with self.training.trace.wanted.only("inputs"):
                (jacobian,) = gradient_of([self.training.logits.sum()], [self._inputs])
        if not jacobian.isfinite().all():
            raise Undefined("the input gradients are not finite")
        return jacobian.flatten(1)

    def is_behind_images(self, value: Tensor) -> bool:
        """Tell whether a value of the training pass was computed from the images."""
        return id(self._inputs) in {use.weight for use in uses([value])}

    def of_images(self, part: slice) -> Passes:
        """Return passes of the same network with some of the images, none of them made yet."""
        passes = copy.copy(self)
        passes.take(replace(self.batch, images=self.batch.images[part], labels=self.batch.labels[part]))
        return passes

    def first_image(self) -> tuple[object, Trace]:
        """Run the network on the first image, as it is when it is used: what it returns, and its trace."""
        alone = self.of_images(slice(1)).using("running")
        with alone.tracing(copies=True) as trace:
            output = self.model(alone.images.clone())
        return output, trace

    @property
    @shared_pass
    def rectified(self) -> list[Tensor]:
        """What each ReLU-like activation returned, (batch, …), but for those that see no image."""
        found = _rectified(self.training.trace)
        if any(len(output) != len(self.images) or output.dim() != 4 for output in found):
            pairs = zip(found, layouts(self, _rectified), strict=True)
            found = [by_image(output, layout) for output, layout in pairs]
            found = [output for output in found if len(output) == len(self.images)]
        if not found:
            but = " that sees the images" if self.training.trace.rectified else ""
            raise Undefined(f"the network has no ReLU-like activation{but}")
        return found

    @property
    @shared_pass
    def activation_agreement(self) -> Float64[Tensor, " batch batch"]:
        """In how many ReLU units two images agree to be on or off.

        The diagonal holds the number of units.
        """
        rectified = self.rectified
        once = {_place(output): output for output in rectified}  # edges from one node share a tensor
        times = Counter(map(_place, rectified))
        return torch.stack([times[place] * _agreement(output) for place, output in once.items()]).sum(0)

    @contextmanager
    def tracing(self, *, sample_variances: bool = False, copies: bool = False) -> Iterator[Trace]:
        by_itself = self.statistics == "sample"
        with ExitStack() as stack:
            trace = stack.enter_context(
                tracing(
                    self.weights,
                    each_by_itself=by_itself,
                    sample_variances=sample_variances,
                    copies=copies,
                    of_images=self.batch.kind == "images",
                )
            )
            if self.statistics != "running":
                stack.enter_context(self.batch_statistics())
            yield trace

    @contextmanager
    def batch_statistics(self) -> Iterator[None]:
        """Let batch norm normalise by what it is given, in the body of the ``with`` statement.

        It is entered inside :func:`tracing`, which then sees what the function is called with. A frozen batch
        norm, which keeps its statistics in training, keeps them here.
        """
        if self.other_norms.unknown:
            raise Undefined(self.other_norms.unknown)
        norms = [module for module in self.model.modules() if isinstance(module, _BatchNorm)]
        with ExitStack() as stack:
            for norm in norms:
                stack.callback(norm.train().eval)
                stack.callback(norm.register_forward_pre_hook(_check_values).remove)
            stack.enter_context(by_the_batch(self.model, self.other_norms.live))
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


def _nearby(tensor: Tensor, change: float) -> Tensor:
    size = float(tensor.abs().mean()) or 1.0
    return tensor + change * size * torch.randn_like(tensor)


def _jacobian_of_rows(training: Training, tokens: Tensor) -> Tensor:
    """Differentiate the sum of all logits by the rows that tokens (batch, length) are looked up as."""
    lookups = [output for output in training.trace.outputs if output.function in LOOKUPS]
    if not lookups:
        raise Undefined("the network looks its tokens up in no embedding by which it could be differentiated")
    gradients = gradient_of([training.logits.sum()], [lookup.value for lookup in lookups])
    pairs = zip(lookups, gradients, strict=True)
    return torch.cat([_by_sequence(lookup.input, rows, tokens) for lookup, rows in pairs], 1)


def _by_sequence(places: Tensor, rows: Tensor, tokens: Tensor) -> Tensor:
    """Bring what belongs to rows of a table into (batch, values), whatever the order of the tokens there."""
    if rows.shape[:-1] == places.shape:
        if torch.equal(places.flatten(), tokens.flatten()):
            return rows.reshape(len(tokens), -1)
        if torch.equal(places.flatten(), tokens.T.flatten()):
            return rows.reshape(*tokens.T.shape, -1).transpose(0, 1).flatten(1)
    if len(rows) != len(tokens):
        raise Undefined("the network moves the tokens of a sequence along the batch")
    return rows.flatten(1)


def noise_like(inputs: Tensor) -> Tensor:
    """Draw Gaussian noise in place of a batch, in the order of the axes whatever the layout and device.

    Raises
    ------
    Undefined
        For tokens, which are no numbers that noise could take the place of.
    """
    if not inputs.is_floating_point():
        raise Undefined("it is defined on Gaussian noise, and tokens are places in an embedding")
    drawn = standard_normal(inputs.shape).to(inputs)
    return drawn.to(memory_format=torch.channels_last) if drawn.dim() == 4 else drawn


def standard_normal(shape: Sequence[int]) -> Tensor:
    """Draw on the processor and in single precision, so that every device and precision gets the same."""
    return torch.randn(shape, dtype=torch.float32, device="cpu")


def gradient_of(
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


def _rectified(trace: Trace) -> list[Tensor]:
    return trace.rectified


def _place(tensor: Tensor) -> tuple[int, torch.Size]:
    """Tell tensors apart by where their values are."""
    return tensor.data_ptr(), tensor.shape


def _agreement(rectified: Tensor) -> Tensor:
    in_memory = rectified.movedim(1, -1) if rectified.dim() == 4 else rectified  # the order does not matter
    signs = (in_memory.flatten(1) > 0).to(torch.float32).mul_(2).sub_(1)
    return double(signs @ signs.T).add_(signs.shape[1]).div_(2)
