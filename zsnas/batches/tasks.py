"""What a network is to make of an image: classification, a task of TransNAS-Bench-101, or ADE20K's segments.

A task says what the output of the network is and by which loss it is trained. Source of the seven: Duan et
al. 2021, TransNAS-Bench-101, and its training code (github.com/yawen-d/TransNASBench). Losses differ from
that code in two ways: classification compares with one class an image where it has probabilities of all
classes, and the two tasks with an image as output leave out the adversarial loss, which weighs 1 % there.

As the softmax of a classifier is part of its loss, so is the tanh that those two tasks end with. Proxies that
add up the outputs would otherwise see the saturated tanh: SynFlow would be 0 for every network.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from zsnas._names import check_choice
from zsnas._numbers import as_whole

if TYPE_CHECKING:
    from jaxtyping import Float, Shaped
    from torch import Tensor

Head = Literal["linear", "jigsaw", "segmentation", "image"]
Criterion = Literal["cross_entropy", "mse_loss", "l1_loss"]


@dataclass(frozen=True)
class Task:
    """A task and its loss.

    Attributes
    ----------
    name
        As TransNAS-Bench-101 calls it.
    outputs
        How many classes, numbers or channels the output has; None: the classes of the data set.
    head
        What follows the encoder: pooling and a linear layer (``"jigsaw"``: for nine tiles together), or a
        decoder that gives a value for each pixel.
    criterion
        The loss, a function of `torch.nn.functional` that takes the mean over all elements; of the tanh of
        the output when the head is ``"image"``.

    Examples
    --------
    Two numbers for each image, targets (B, 2), by their squared error:

    >>> Task("position", 2, criterion="mse_loss").has_classes
    False

    One of five classes for each pixel, targets (B, H, W):

    >>> Task("land use", 5, "segmentation").is_dense
    True

    An image for each image, targets (B, 3, H, W) from -1 to 1, by the absolute error:

    >>> Task("denoising", 3, "image", "l1_loss").loss(torch.zeros(1, 3, 2, 2), torch.ones(1, 3, 2, 2)).item()
    1.0

    A batch takes the task along: ``zsnas.Batch.from_arrays(images, positions, task=Task("position", 2, …))``.
    """

    name: str
    outputs: int | None
    head: Head = "linear"
    criterion: Criterion = "cross_entropy"

    def __post_init__(self) -> None:
        given: object = self.name  # which a caller may have forgotten
        if not isinstance(given, str) or not given:
            raise ValueError(f"the name of a task is {self.name!r}; it must be text, such as 'ages'")
        if self.outputs is not None:
            what = f"outputs of the task {self.name!r}"
            object.__setattr__(self, "outputs", as_whole(what, self.outputs, 1, example="1"))
        check_choice(f"head of the task {self.name!r}:", self.head, get_args(Head))
        check_choice(f"criterion of the task {self.name!r}:", self.criterion, get_args(Criterion))

    @property
    def fixed_outputs(self) -> int:
        """`outputs`, of a task that does not leave them to the data set; otherwise a ValueError."""
        if self.outputs is None:
            raise ValueError(
                f"the task {self.name!r} has no number of outputs of its own; "
                "take the number of classes of the data set, Batch.num_classes"
            )
        return self.outputs

    @property
    def is_dense(self) -> bool:
        """Whether the output is (batch, channels, height, width) instead of (batch, outputs)."""
        return self.head in ("segmentation", "image")

    @property
    def has_classes(self) -> bool:
        """Whether each image has one class."""
        return self.criterion == "cross_entropy" and not self.is_dense

    @property
    def has_numbers(self) -> bool:
        """Whether each image has numbers, as many as the network has outputs."""
        return self.criterion != "cross_entropy" and not self.is_dense

    def loss(
        self, output: Float[Tensor, " batch channels *pixels"], target: Shaped[Tensor, " batch *target"]
    ) -> Float[Tensor, ""]:
        """Return the mean loss of an output.

        Parameters
        ----------
        output
            With pixels if the task is dense.
        target
            Int64 classes, one for each image or pixel; otherwise numbers of the shape and the
            precision of the output.
        """
        from torch.nn import functional

        compared = output.tanh() if self.head == "image" else output
        value: Tensor = getattr(functional, self.criterion)(compared, target)
        return value


def check_task(given: object) -> None:
    """Raise a ValueError, in one sentence, for anything that is no task."""
    if not isinstance(given, Task):
        raise ValueError(
            f"the task of a batch is {given!r}; it must be a zsnas.Task, such as "
            "Task('ages', 1, criterion='mse_loss')"
        )


CLASSIFICATION = Task("classification", None)
ADE20K = Task("ade20k", 150, "segmentation")
"""A class of 150 for each pixel, as in ADE20K (Zhou et al. 2017)."""

TASKS = {
    task.name: task
    for task in (
        Task("class_scene", 47),
        Task("class_object", 75),
        Task("room_layout", 9, criterion="mse_loss"),
        Task("jigsaw", 1000, "jigsaw"),
        Task("segmentsemantic", 17, "segmentation"),
        Task("normal", 3, "image", "l1_loss"),
        Task("autoencoder", 3, "image", "l1_loss"),
    )
}
"""The seven tasks of TransNAS-Bench-101 by name."""
