"""The optimiser's step on a CPU as one pass over memory, compiled.

What it computes stands in `training.optimiser`.
"""

import ctypes
from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor

from slowpoints.engine.cpu import build
from slowpoints.engine.cpu.structures import LONG, POINTER, Matrix

TEXT = r"""#include <cmath>

struct Part {  // the gradient of one parameter [M, size]
  const float* start;
  long size;
};

struct Run {  // how the gradient of a run becomes its step
  float mean, square, decay, clip;  // how fast the means of the gradient and of its square follow
  float moves, scales;  // 1: by the mean of the gradient, not the gradient; over the root of the mean square
  float size, fill;
};

template <bool MOVES, bool SCALES>
static void take(const Run& own, float scale, const float* g, long n, float* w, float* first, float* second) {
  for (long i = 0; i < n; i++) {
    const float slope = (g[i] + own.decay * w[i]) * scale;
    first[i] += own.mean * (slope - first[i]);
    second[i] += own.square * (slope * slope - second[i]);
    const float change = own.size * (MOVES ? first[i] : slope);
    w[i] -= SCALES ? change / (std::sqrt(second[i] / own.fill) + 1e-8f) : change;
  }
}

extern "C" void update(long M, long P, long n_parts, const Part* parts, const Run* runs, float* flat, float* first,
                       float* second, unsigned char* takes) {
  for (long m = 0; m < M; m++) {
    const Run& own = runs[m];
    double sum[8] = {};
    const float* w = flat + m * P;
    for (long k = 0; k < n_parts; w += parts[k++].size) {
      const float* g = parts[k].start + m * parts[k].size;
      const long whole = parts[k].size / 8 * 8;
      for (long i = 0; i < whole; i += 8)
        for (int j = 0; j < 8; j++) {
          const double slope = g[i + j] + own.decay * w[i + j];
          sum[j] += slope * slope;
        }
      for (long i = whole; i < parts[k].size; i++) {
        const double slope = g[i] + own.decay * w[i];
        sum[0] += slope * slope;
      }
    }
    for (int j = 1; j < 8; j++) sum[0] += sum[j];
    const float norm = std::sqrt(sum[0]);
    takes[m] = std::isfinite((float)sum[0]);  // a sum of squares beyond float32 is refused, as torch refuses it
    if (!takes[m]) continue;
    const float scale = own.clip > 0 && norm > own.clip ? own.clip / norm : 1.0f;
    long at = m * P;
    for (long k = 0; k < n_parts; at += parts[k++].size) {
      const float* g = parts[k].start + m * parts[k].size;
      auto step = own.moves ? (own.scales ? take<true, true> : take<true, false>)
                            : (own.scales ? take<false, true> : take<false, false>);
      step(own, scale, g, parts[k].size, flat + at, first + at, second + at);
    }
  }
}
"""


@cache
def library() -> ctypes.CDLL | None:
    """Return the compiled pass; None where there is no compiler."""
    return build.library(TEXT)


def runs_compiled(flat: Tensor) -> bool:
    """Return whether the pass can run: float32 on a CPU, where there is a compiler."""
    return flat.device.type == "cpu" and flat.dtype == torch.float32 and library() is not None


class Update:
    """The step of every run of a stack, laid out once: its tensors stay where they are."""

    def __init__(
        self,
        flat: Tensor,
        grads: Sequence[Tensor],
        first: Tensor,
        second: Tensor,
        rules: Sequence[Tensor],
    ) -> None:
        """Take where everything is.

        flat, first, second: [M, P]; grads: of the parameters in order, [M, ...]; rules: the fields
        of `Run` but the last two, each [M]
        """
        self.rules, self.takes = rules, torch.empty(len(flat), dtype=torch.bool)
        self.table = torch.empty(len(flat), len(rules) + 2)
        held = [grad.contiguous() for grad in grads]
        parts = (Matrix * len(grads))(*(Matrix(grad.data_ptr(), grad[0].numel()) for grad in held))
        of_runs = self.table, flat, first, second, self.takes
        self.held = (*of_runs, *held)
        self.given = (
            *map(LONG, (*flat.shape, len(held))),
            parts,
            *(POINTER(value.data_ptr()) for value in of_runs),
        )

    def __call__(self, now: Sequence[Tensor]) -> Tensor:
        """Take one step in place and return which runs took it.

        now: the last two fields of `Run`, each [M] -> [M]
        """
        found = library()
        assert found is not None, "callers ask before they use it"
        torch.stack([*self.rules, *now], 1, out=self.table)
        found.update(*self.given)
        return self.takes
