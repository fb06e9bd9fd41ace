"""How one run is trained."""

from dataclasses import dataclass
from typing import Literal

# torch rounds the tail of a tensor differently from its full vectors; whole multiples leave no tail
ROWS = 32

# What may differ between the runs of one stack; everything else is part of the stack's shape.
PER_RUN_TRAIN = (
    "steps",
    "lr",
    "schedule",
    "lr_final",
    "drop_at",
    "optimizer",
    "momentum",
    "decay",
    "clip",
    "curriculum",
    "start_arm",
    "regularise",
    "strength",
    "kick",
    "loss_weight",
)


@dataclass(frozen=True)
class TrainSettings:
    """How a run is trained: optimiser, learning-rate schedule, clipping, stop rule, curriculum."""

    steps: int
    batch: int
    lr: float
    schedule: Literal["constant", "exponential", "drop"] = "constant"
    lr_final: float = 1.0  # factor on lr at the end
    # share of the steps after which "drop" applies it (Haviv et al. 2019, MNIST)
    drop_at: float = 6 / 7
    optimizer: Literal["adam", "rmsprop", "momentum", "sgd", "path_sgd"] = "adam"
    momentum: float = (
        0.9  # adam: beta_1; rmsprop: decay of the mean square; momentum: share of the last step
    )
    decay: float = 0.0  # L2: decay * weight is added to the gradient
    clip: float = 1.0  # global gradient norm per run; 0 switches clipping off
    eval_every: int = 100
    eval_rows: int = 256
    test_rows: int = 2048
    stop_metric: str = ""  # stop a run when this validation metric ...
    stop_below: float = 0.0  # ... is below this value ...
    stop_times: int = 3  # ... at this many evaluations in a row
    curriculum: Literal["none", "delay", "vocabulary", "delay_cifar", "vocabulary_cifar"] = "none"
    start: str = ""  # experiment whose trained networks are the starting point
    start_arm: str = ""
    regularise: Literal["none", "slow_points", "centres", "random", "shuffled", "visited"] = "none"
    # lambda (Haviv et al. 2019), beside their loss: beside another it is multiplied by how many
    # times larger that one is, so that it weighs as much
    strength: float = 0.0
    # what is penalised: the squared displacement in one step under noise, under the mean input
    # (the drift), or under noise about its mean over the copies of a state (the scatter)
    kick: Literal["noise", "mean", "scatter"] = "noise"
    loss_weight: float = 1.0  # of the task's own loss; 0: the speed alone is trained
    snapshots: int = 0  # how often, in equal steps, the weights are kept on the way

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "eval_every", "eval_rows", "test_rows", "stop_times"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, found {getattr(self, name)}")
        for name in ("batch", "eval_rows", "test_rows"):
            if getattr(self, name) % ROWS:
                raise ValueError(
                    f"{name} must be a multiple of {ROWS}, found {getattr(self, name)}: only "
                    "then does a run "
                    "alone give the same bits as the run in a stack"
                )
        if self.steps % self.eval_every:
            raise ValueError(
                f"steps must be a multiple of eval_every, found {self.steps} and "
                f"{self.eval_every}: "
                "a run ends when it is evaluated"
            )
        if self.lr <= 0 or self.lr_final <= 0:
            raise ValueError("lr and lr_final must be positive")
        if min(self.clip, self.decay, self.strength, self.loss_weight) < 0:
            raise ValueError("clip, decay, strength and loss_weight must not be negative")
        if not 0 <= self.drop_at <= 1:
            raise ValueError(f"drop_at must lie in [0, 1], found {self.drop_at}")
        if not 0 <= self.momentum < 1:
            raise ValueError(f"momentum must lie in [0, 1), found {self.momentum}")
        if bool(self.start) != bool(self.start_arm):
            raise ValueError(
                "start and start_arm go together: the experiment and the arm to start from"
            )
        if self.regularise not in ("none", "visited") and not self.start:
            raise ValueError(
                f"regularise: {self.regularise} needs start: its states come from that "
                "experiment's slow points; "
                "only visited states are the run's own"
            )
        if self.regularise == "visited" and self.kick == "scatter":
            raise ValueError(
                "kick: scatter is about the mean over copies of a state, and visited states have "
                "none; take kick: noise or kick: mean"
            )
        if self.regularise == "visited" and self.start:
            raise ValueError(
                "regularise: visited takes no start: a stack takes its states from one of the two"
            )
        if self.snapshots < 0 or self.steps % (max(1, self.snapshots) * self.eval_every):
            raise ValueError(
                f"snapshots are kept when a run is evaluated: steps ({self.steps}) must be a "
                "multiple of snapshots "
                f"({self.snapshots}) times eval_every ({self.eval_every})"
            )
        if self.snapshots and self.stop_metric:
            raise ValueError(
                "snapshots and stop_metric exclude each other: a run that stops early lacks "
                "the later ones"
            )
