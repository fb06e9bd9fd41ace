"""The sequence kernel in C++, backward.

Gradients of weights, sources, first states and free streams; see `kernel`.
"""

BACKWARD = r"""
struct BackStage {
  Rows d_source;               // null if nobody asks; whole vectors
  long source_blocks;
  Matrix b[NP], W[NP], R[NP];  // gradients by stream
};

struct Back {
  BackStage stage[2];
  Rows d_out, d_free[NF + 1];     // a free stream that is the same everywhere gets the sum of its slopes
  Rows d_final[NS], d_first[NS];  // slopes of outputs and final states may be absent: zero
};

// The derivative of the step, all streams, and of what `read` returned.
static inline void last_back(const vf* s, const vf* f, const vf* q, const vf* d, vf* dp, vf* ds, vf* df) {
  @LAST_BACK@
}
#if @N2@
static inline vf seen_again(const vf* s, const vf* f, const vf* q) {
  @SEEN@
  return seen;
}
static inline void first_back(const vf* s, const vf* f, const vf* q, vf d, vf* dp, vf* ds, vf* df) {
  @FIRST_BACK@
}
#endif

// The gradient of one stage's weights from some steps of one tile; `seen` is what the projections saw.
static void weigh(const Stage& stage, const Call& k, long m, long b, long t, int G, Numbers seen, const float* dp,
                  long dp_row, long steps, long rows, float* d_weights) {
  static const float one = 1.0f;
  const long width = G * k.blocks * V;
  float* out = d_weights;
  outer({&one, 0, 0}, 1, dp, dp_row, steps, rows, out, width);
  outer({stage.source.to(m, b, t), stage.source.step, stage.source.row}, stage.width, dp, dp_row,
        std::clamp(stage.given - t, 0L, steps), rows, out + width, width);
  outer(seen, k.H, dp, dp_row, steps, rows, out + (1 + stage.width) * width, width);
}

// How many steps' slopes meet the weights' gradients at once: about 128 rows, and whole numbers of them in a segment.
static long chunk(const Call& k) {
  long steps = 4;
  while (steps < 32 && 2 * steps * std::min<long>(TILE, k.B) <= 128) steps *= 2;
  return steps;
}

// dp [steps][rows][N1 + N2][Hp], seen [steps][rows][Hp], d_seen [rows][Hp], d_out [rows][NO][Hp], d_state [NS][rows][Hp]
struct Scratch {
  static constexpr long N = N1 + N2;
  long rows, Hp;
  std::vector<float> dp, seen, d_seen, d_out, d_state, d_free;
  const Reading* reading = nullptr;  // where the slopes of outputs come from; without it, from the caller
  Scratch(long steps, long Hp)
      : rows(TILE), Hp(Hp), dp(steps * TILE * N * Hp), seen(N2 ? steps * TILE * Hp : 0), d_seen(TILE * Hp),
        d_out(TILE * NO * Hp), d_state(NS * TILE * Hp), d_free(NF * Hp) {}
  float* slope(long i, long r, long j) { return dp.data() + (i * rows + r) * N * Hp + j; }

  // A slope of free stream n into the tensor of the caller, or into the sum of a chunk where the stream has one place
  // for all rows and steps.
  void give(const Rows& d, int n, long m, long b, long t, long j, vf slope, bool adds) {
    vf& to = at(d.row ? d.to(m, b, t) + j : d_free.data() + n * Hp + j);
    to = adds || !d.row ? to + slope : slope;
  }
  // The sums of a chunk, to those of the run.
  void hand_over(const Rows* d, long m) {
    for (int n = 0; n < NF; n++)
      for (long j = 0; !d[n].row && j < Hp; j += V) at(d[n].to(m, 0, 0) + j) += at(d_free.data() + n * Hp + j);
    std::fill(d_free.begin(), d_free.end(), 0.0f);
  }
};

// One stage of one run on the way back: turned weights, and the sum of its gradients [1 + width + H][G][Hp].
struct Turned {
  std::vector<float> recurrent, input, sum;
  long given;
  int G;
  void fill(const Stage& stage, const BackStage& back, const Call& k, long m, int streams) {
    G = streams;
    given = stage.given;
    recurrent.resize(k.H * G * k.blocks * V);
    turn_weights(stage.R, k, m, G, k.H, k.blocks, recurrent.data());
    if (back.d_source.start) {
      input.resize(k.H * G * back.source_blocks * V);
      turn_weights(stage.W, k, m, G, stage.width, back.source_blocks, input.data());
    }
    sum.assign(stage.depth(k.H) * G * k.blocks * V, 0.0f);
  }
  void hand_over(const Stage& stage, const BackStage& back, const Call& k, long m) const {
    const float* from = sum.data();
    auto take = [&](const Matrix* to, long rows) {
      for (long i = 0; i < rows; i++)
        for (int g = 0; g < G; g++, from += k.blocks * V)
          memcpy(to[g].start + m * to[g].run + i * k.H, from, k.H * sizeof(float));
    };
    take(back.b, 1);
    take(back.W, stage.width);
    take(back.R, k.H);
  }
  void to_source(const Call& k, const BackStage& back, long m, long b, long t, const float* dp, long rows) const {
    if (!back.d_source.start || t >= given) return;
    turned(input.data(), dp, Scratch::N * k.blocks * V, k.H, k.blocks * V, G, back.d_source.to(m, b, t),
           back.d_source.row, back.source_blocks, rows, true);
  }
};

// One step of one tile backward: step t of the sequence is step i of the trace and step c of the scratch.
static void step_back(const Call& k, const Back& back, const Turned* stages, long m, long b, long t,
                      const Trace& trace, long i, long c, Scratch& own) {
  const long Hp = own.Hp, rows = own.rows, N = Scratch::N, given = t - (k.T - k.last);
  if (given >= 0 && own.reading) own.reading->back(given, own.d_out.data());
  else if (given >= 0) widen(back.d_out, k, m, b, given, rows, own.d_out.data(), NO);
  for (long r = 0; r < rows; r++)
    for (long j = 0; j < Hp; j += V) {
      vf s[NS], f[NF + 1], q[K + 1], d[NS + NE], dp[N], ds[NS], df[NF + 1];
      load(s, f, trace, k, m, b, t, i, r, j);
      for (int n = 0; n < K; n++) q[n] = at(trace.kept(i, r, j) + n * Hp);
      for (int n = 0; n < NS; n++) d[n] = at(own.d_state.data() + (n * rows + r) * Hp + j);
      for (int n = 0; n < NE; n++) d[NS + n] = vf{};
      if (given >= 0)
        for (int n = 0; n < NO; n++) d[NE ? NS + n : n] += at(own.d_out.data() + (r * NO + n) * Hp + j);
      last_back(s, f, q, d, dp, ds, df);
#if @N2@
      at(own.seen.data() + (c * rows + r) * Hp + j) = seen_again(s, f, q);
#endif
      for (int n = 0; n < N; n++) at(own.slope(c, r, j) + n * Hp) = dp[n];
      for (int n = 0; n < NS; n++) at(own.d_state.data() + (n * rows + r) * Hp + j) = ds[n];
      for (int n = 0; n < NF; n++) own.give(back.d_free[n], n, m, b + r, t, j, df[n], false);
    }
#if @N2@
  turned(stages[1].recurrent.data(), own.slope(c, 0, N1 * Hp), N * Hp, k.H, Hp, N2, own.d_seen.data(),
         Hp, k.blocks, rows, true);
  for (long r = 0; r < rows; r++)
    for (long j = 0; j < Hp; j += V) {
      vf s[NS], f[NF + 1], q[K + 1], dp[N1], ds[NS], df[NF + 1];
      load(s, f, trace, k, m, b, t, i, r, j);
      for (int n = 0; n < K; n++) q[n] = at(trace.kept(i, r, j) + n * Hp);
      first_back(s, f, q, at(own.d_seen.data() + r * Hp + j), dp, ds, df);
      for (int n = 0; n < N1; n++) at(own.slope(c, r, j) + n * Hp) += dp[n];
      for (int n = 0; n < NS; n++) at(own.d_state.data() + (n * rows + r) * Hp + j) += ds[n];
      for (int n = 0; n < NF; n++) own.give(back.d_free[n], n, m, b + r, t, j, df[n], true);
    }
  stages[1].to_source(k, back.stage[1], m, b, t, own.slope(c, 0, N1 * Hp), rows);
#endif
  turned(stages[0].recurrent.data(), own.slope(c, 0, 0), N * Hp, k.H, Hp, N1, own.d_state.data(), Hp,
         k.blocks, rows, false);
  stages[0].to_source(k, back.stage[0], m, b, t, own.slope(c, 0, 0), rows);
}

// Some steps of one tile, from the last to the first.
static void steps_back(const Call& k, const Back& back, Turned* stages, long m, long b, const Trace& trace, long t0,
                       long n, Scratch& own) {
  const long steps = chunk(k);
  for (long end = n; end > 0; end = (end - 1) / steps * steps) {
    const long begin = (end - 1) / steps * steps;  // where a chunk begins does not depend on the segments
    for (long i = end - 1; i >= begin; i--) step_back(k, back, stages, m, b, t0 + i, trace, i, i - begin, own);
    const long dp_row = Scratch::N * own.Hp;
    own.hand_over(back.d_free, m);
    weigh(k.stage[0], k, m, b, t0 + begin, N1, {trace.state(begin, 0), NS * own.rows * own.Hp, own.Hp},
          own.slope(0, 0, 0), dp_row, end - begin, own.rows, stages[0].sum.data());
#if @N2@
    weigh(k.stage[1], k, m, b, t0 + begin, N2, {own.seen.data(), own.rows * own.Hp, own.Hp},
          own.slope(0, 0, N1 * own.Hp), dp_row, end - begin, own.rows, stages[1].sum.data());
#endif
  }
}

// All steps of one tile, from slopes of its final states to those of its first; what was not kept is computed again
// from `marks`.
static void tile_back(const Call& k, const Back& back, const Plan& plan, Packed& packed, Turned* stages, long m, long b,
                      const Trace& trace, const float* marks, Scratch& own) {
  for (long segment = plan.segments - 1; segment >= 0; segment--) {
    const long t0 = segment * k.segment, n = std::min(k.segment, k.T - t0);
    if (marks) {
      memcpy(trace.s, marks + segment * plan.marks, NS * own.rows * own.Hp * sizeof(float));
      for (long i = 0; i < n; i++) step(k, packed, m, b, t0 + i, trace, i);
    }
    steps_back(k, back, stages, m, b, trace, t0, n, own);
  }
  leave(back.d_first, k, m, b, {own.d_state.data(), nullptr, own.rows, own.Hp, nullptr}, 0);
}

static void all_backward(const Call& k, const Back& back) {
  const Plan plan(k);
  const long Hp = k.blocks * V;
  std::vector<float> scratch(k.keeps ? 0 : trace_size(k.segment, Hp));
  Packed packed(k);
  Scratch own(chunk(k), Hp);
  Turned stages[2];
  for (long m = 0; m < k.M; m++) {
    if (!k.keeps) packed.fill(k, m);
    for (int i = 0; i < (N2 ? 2 : 1); i++) stages[i].fill(k.stage[i], back.stage[i], k, m, i ? N2 : N1);
    for (long b = 0; b < k.B; b += TILE) {
      own.rows = std::min<long>(TILE, k.B - b);
      const Trace trace = trace_at(k.keeps ? plan.trace(k, m, b) : scratch.data(), k.segment, own.rows, Hp);
      enter(back.d_final, k, m, b, {own.d_state.data(), nullptr, own.rows, Hp, nullptr});
      tile_back(k, back, plan, packed, stages, m, b, trace, k.keeps ? nullptr : plan.mark(k, m, b), own);
    }
    for (int i = 0; i < (N2 ? 2 : 1); i++) stages[i].hand_over(k.stage[i], back.stage[i], k, m);
  }
}

extern "C" int backward(const Call* call, const Back* slopes) {
  return with_memory([&] { all_backward(*call, *slopes); });
}
"""
