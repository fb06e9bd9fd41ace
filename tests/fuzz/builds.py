"""An accepted mutant must be more than a plan.

Its network, task and optimiser are made, and take one step.
"""

import torch

from slowpoints.engine import count_parameters
from slowpoints.spec.run import Run
from slowpoints.training.stack import network
from slowpoints.training.trainer import Trainer

MOST_PARAMETERS = 30_000  # above, only the shapes are made
MOST_NUMBERS = 3_000_000  # of one training step


def hole(run: Run) -> str:
    """Return what goes wrong when a planned run is built, '' if nothing.

    A run with a start needs results of others.
    """
    try:
        net = network(run.task, run.net)
        task = vars(run.task.settings)
        if run.train.start or task.get("dataset") not in (None, "mnist14", "fashion14", "text8-1m"):
            return ""
        steps = task.get("n_steps", task.get("n_targeted", 1) + task.get("n_interfering", 0))
        if (
            count_parameters(net) > MOST_PARAMETERS
            or steps * run.train.batch * net.n_numbers > MOST_NUMBERS
        ):
            return ""
        if task.get("n_samples", 0) * task.get("n_in", 1) > MOST_NUMBERS:
            return ""
        torch.set_num_threads(1)
        trainer = Trainer([run], device=torch.device("cpu"), data_dir=None, start=None)
        trainer.advance()
    except Exception as error:  # that is what is looked for
        return f"planned, and cannot be trained: {type(error).__name__}: {error}"
    return ""
