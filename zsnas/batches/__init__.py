"""Batches: the images, or the images and targets of a task, that a proxy looks at."""

from zsnas.batches.images import Batch, FallbackImages, batch, list_batches, register_batch, resized
from zsnas.batches.tasks import Task

__all__ = ["Batch", "FallbackImages", "Task", "batch", "list_batches", "register_batch", "resized"]
