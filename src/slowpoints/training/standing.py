"""A training step on a CPU, laid out once: the gradients of a part of a stack, and what the
optimiser makes of them, without the bookkeeping that a step would repeat.
"""

from torch import Tensor

from slowpoints.engine import Asked, Network, Standing, can_stand
from slowpoints.engine.cpu.optimiser_step import Update, runs_compiled
from slowpoints.tasks import Batch
from slowpoints.training.optimiser import Pace
from slowpoints.training.slots import Part


def asked_of(kind: str, batch: Batch) -> Asked:
    """Return what a batch asks of the outputs, by how a miss is measured."""
    return Asked(kind, batch.y, batch.weight, batch.allowed)


class StandingStep:
    """The steps of one part on batches of one shape."""

    def __init__(self, net: Network, part: Part, batch: Batch, kind: str) -> None:
        """Lay out the step for batches of this shape.

        kind: how a miss is measured; see `engine.border.KINDS`
        """
        self.kind = kind
        self.gradients = Standing(
            net, part.params, batch.x, asked_of(kind, batch), silent=batch.silent
        )
        slopes = list(self.gradients.grads.values())
        self.update = Update(part.flat, slopes, *part.moments, rules=part.rules)

    @staticmethod
    def can(net: Network, part: Part, batch: Batch) -> bool:
        """Return whether a step of this part can be laid out."""
        return runs_compiled(part.flat) and can_stand(net, batch.x)

    def fits(self, batch: Batch) -> bool:
        """Return whether a batch is of the shape this was laid out for."""
        asked = asked_of(self.kind, batch)
        return self.gradients.fits(batch.x, asked, silent=batch.silent)

    def __call__(self, batch: Batch, now: Pace) -> tuple[Tensor, Tensor]:
        """Take one step; return the loss of each run, and which took it.    -> [M], [M]"""
        loss = self.gradients(batch.x, asked_of(self.kind, batch))
        return loss, self.update(now)
