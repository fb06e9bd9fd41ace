"""One trial as a researcher would run it.

A process of its own, torch's layer, the same data, loss and optimiser.

Started with one JSON argument, prints one JSON line. The layer has two biases per gate, the
project's cells have one.
"""

import json
import sys
import time
from typing import Any

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

LAYERS = {"rnn": nn.RNN, "lstm": nn.LSTM}


def train(trial: dict[str, Any]) -> dict[str, float]:
    """Return accuracy on the stored set and the CPU time of training in seconds."""
    torch.manual_seed(trial["seed"])
    layer = LAYERS[trial["cell"]](trial["n_in"], trial["units"], batch_first=True)
    readout = nn.Linear(trial["units"], 1)
    inputs = torch.randint(0, 2, (trial["n_labels"], trial["n_in"])).float() * 2 - 1
    labels = torch.randint(0, 2, (trial["n_labels"],)).float()
    x = torch.zeros(trial["n_labels"], trial["n_steps"], trial["n_in"])
    x[:, 0] = inputs
    params = [*layer.parameters(), *readout.parameters()]
    optimiser = torch.optim.Adam(params, lr=trial["lr"])
    schedule = torch.optim.lr_scheduler.ExponentialLR(
        optimiser, trial["lr_final"] ** (1 / trial["steps"])
    )
    start = time.process_time()
    for _ in range(trial["steps"]):
        rows = torch.randint(0, len(labels), (trial["batch"],))
        loss = binary_cross_entropy_with_logits(
            readout(layer(x[rows])[0][:, -1])[:, 0], labels[rows]
        )
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(params, trial["clip"])
        optimiser.step()
        schedule.step()
    with torch.no_grad():
        right = (readout(layer(x)[0][:, -1])[:, 0] > 0) == (labels > 0)
    return {"accuracy": float(right.float().mean()), "cpu_s": time.process_time() - start}


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(json.dumps(train(json.loads(sys.argv[1]))))
