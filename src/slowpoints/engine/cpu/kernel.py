"""The sequence kernel in C++: one layer of one cell over all steps, for M runs of B sequences each.

@...@ is filled in from the cell's own step. Rows are sequences, columns are units in vectors of V
numbers; Hp is H rounded up to whole vectors, B is whole blocks of R rows. A tile of rows goes
through all steps together, so that a weight, once loaded, serves all of them. Runs never meet: each
is computed as if it were alone.

What a tile leaves for its way back is a trace: the states, and q, the few values in which its
derivative is written (for a GRU both gates and the candidate). Traces of long sequences are not
kept but computed again, a segment of steps at a time, from the states at its first step.
"""

FORWARD = r"""
// sum[r][c] += sum_i a[r][i] w[i][c], for C vectors side by side. With 16 registers it is a function of its own: inside
// a step the compiler keeps other numbers in registers, and the sums in memory.
template <int C>
PRODUCT void accumulate(vf (&sum)[R][C], const float* a, long a_row, const float* w, long n) {
  vf acc[R][C];
  for (int r = 0; r < R; r++)
    for (int c = 0; c < C; c++) acc[r][c] = sum[r][c];
  for (long i = 0; i < n; i++, w += C * V) {
    vf weight[C];
    for (int c = 0; c < C; c++) hold(weight[c] = at(w + c * V));
    for (int r = 0; r < R; r++) {
      const float number = a[r * a_row + i];
      for (int c = 0; c < C; c++) acc[r][c] += weight[c] * number;
    }
  }
  for (int r = 0; r < R; r++)
    for (int c = 0; c < C; c++) sum[r][c] = acc[r][c];
}

// How many streams from FROM on are summed at once: at most three, so that all sums stay in registers.
static constexpr int together(int N, int FROM) { return N - FROM <= 3 ? N - FROM : 2; }

// The same for neighbouring blocks of columns, so many still to come: three, and none alone if others are there, for
// too few sums wait for each other.
static long beside(long left) { return left == 4 ? 2 : std::min(left, 3L); }

// Bias, input and recurrent weights of one run as `sums` reads them: [Hp / V][1 + width + H][G][V], streams that are
// summed later behind; of a single stream, for C blocks at a time, [1 + width + H][C][V].
template <int N>
static void pack(const Stage& stage, const Call& k, long m, float* to) {
  if (N == 1) {
    for (long j = 0, C; j < k.blocks; j += C) {
      C = beside(k.blocks - j);
      auto add = [&](const Matrix& source, long rows) {
        for (long i = 0; i < rows; i++, to += C * V) {
          memset(to, 0, C * V * sizeof(float));
          memcpy(to, source.start + m * source.run + i * k.H + j * V, std::min(C * V, k.H - j * V) * sizeof(float));
        }
      };
      add(stage.b[0], 1);
      add(stage.W[0], stage.width);
      add(stage.R[0], k.H);
    }
    return;
  }
  for (long j = 0; j < k.blocks; j++)
    for (int from = 0; from < N; from += together(N, from)) {
      const long n = std::min<long>(V, k.H - j * V);
      auto add = [&](const Matrix* source, long rows) {
        for (long i = 0; i < rows; i++)
          for (int g = from; g < from + together(N, from); g++, to += V) {
            memset(to, 0, V * sizeof(float));
            memcpy(to, source[g].start + m * source[g].run + i * k.H + j * V, n * sizeof(float));
          }
      };
      add(stage.b, 1);
      add(stage.W, stage.width);
      add(stage.R, k.H);
    }
}

// Streams FROM.. of R rows and one block of columns.
template <int N, int FROM>
static inline void sums(vf (&p)[R][N], const float* x, long x_row, const float* h, long Hp, const float* w,
                        const Stage& stage, long H) {
  constexpr int G = together(N, FROM);
  vf acc[R][G];
  for (int r = 0; r < R; r++)
    for (int g = 0; g < G; g++) acc[r][g] = at(w + g * V);
  w += G * V;
  if (x) accumulate<G>(acc, x, x_row, w, stage.width);
  w += stage.width * G * V;
  accumulate<G>(acc, h, Hp, w, H);
  for (int r = 0; r < R; r++)
    for (int g = 0; g < G; g++) p[r][FROM + g] = acc[r][g];
  if constexpr (FROM + G < N) sums<N, FROM + G>(p, x, x_row, h, Hp, w + H * G * V, stage, H);
}

// The single stream of some rows and C blocks of columns.
template <int C, class Then>
static inline void one_stream(const float* w, const float* x, const Stage& stage, const Call& k, const float* h,
                              long r0, long j, Then then) {
  vf acc[R][C];
  for (int r = 0; r < R; r++)
    for (int c = 0; c < C; c++) acc[r][c] = at(w + c * V);
  w += C * V;
  if (x) accumulate<C>(acc, x, stage.source.row, w, stage.width);
  accumulate<C>(acc, h + r0 * k.blocks * V, k.blocks * V, w + stage.width * C * V, k.H);
  for (int r = 0; r < R; r++)
    for (int c = 0; c < C; c++) then(r0 + r, (j + c) * V, &acc[r][c]);
}

template <class Then>
static inline void project_one(const Stage& stage, const Call& k, const float* w, long m, long b, long t,
                               const float* h, long rows, Then then) {
  const bool silent = t >= stage.given;
  for (long j = 0, C; j < k.blocks; j += C, w += stage.depth(k.H) * C * V) {
    C = beside(k.blocks - j);
    for (long r0 = 0; r0 < rows; r0 += R) {
      const float* x = silent ? nullptr : stage.source.to(m, b + r0, t);
      if (C == 3) one_stream<3>(w, x, stage, k, h, r0, j, then);
      else if (C == 2) one_stream<2>(w, x, stage, k, h, r0, j, then);
      else one_stream<1>(w, x, stage, k, h, r0, j, then);
    }
  }
}

template <int N, class Then>
static inline void project(const Stage& stage, const Call& k, const float* w, long m, long b, long t, const float* h,
                           long rows, Then then) {
  if constexpr (N == 1) return project_one(stage, k, w, m, b, t, h, rows, then);
  const long size = stage.depth(k.H) * N * V, Hp = k.blocks * V;
  const bool silent = t >= stage.given;
  for (long j = 0; j < k.blocks; j++, w += size)
    for (long r0 = 0; r0 < rows; r0 += R) {
      vf p[R][N];
      sums<N, 0>(p, silent ? nullptr : stage.source.to(m, b + r0, t), stage.source.row, h + r0 * Hp, Hp, w, stage, k.H);
      for (int r = 0; r < R; r++) then(r0 + r, j * V, p[r]);
    }
}

static inline void load(vf* s, vf* f, const Trace& trace, const Call& k, long m, long b, long t, long i, long r,
                        long j) {
  for (int n = 0; n < NS; n++) s[n] = at(trace.state(i, n) + r * trace.Hp + j);
  for (int n = 0; n < NF; n++) f[n] = at(k.free[n].to(m, b + r, t) + j);
}

struct Packed {  // the weights of one run, and room for what `read` returns
  std::vector<float> first, second, seen;
  explicit Packed(const Call& k)
      : first(k.stage[0].depth(k.H) * N1 * k.blocks * V), second(N2 ? k.stage[1].depth(k.H) * N2 * k.blocks * V : 0),
        seen(TILE * k.blocks * V) {}
  void fill(const Call& k, long m) {
    pack<N1>(k.stage[0], k, m, first.data());
    if constexpr (N2 > 0) pack<N2>(k.stage[1], k, m, second.data());
  }
};

// One step of one tile: step t of the sequence is step i of the trace.
static void step(const Call& k, Packed& own, long m, long b, long t, const Trace& trace, long i) {
  float* seen = own.seen.data();
  const long Hp = trace.Hp, given = t - (k.T - k.last);
#if @N2@
  project<N1>(k.stage[0], k, own.first.data(), m, b, t, trace.state(i, 0), trace.rows,
              [&](long r, long j, const vf* p) {
    vf s[NS], f[NF + 1], q[K + 1];
    load(s, f, trace, k, m, b, t, i, r, j);
    at(seen + r * Hp + j) = first(p, s, f, q);
    for (int n = 0; n < @K1@; n++) at(trace.kept(i, r, j) + n * Hp) = q[n];
  });
#endif
  project<N2 ? N2 : N1>(k.stage[N2 ? 1 : 0], k, (N2 ? own.second : own.first).data(), m, b, t,
                        N2 ? seen : trace.state(i, 0), trace.rows, [&](long r, long j, const vf* p) {
    vf s[NS], f[NF + 1], q[K + 1], out[NS + NE];
    load(s, f, trace, k, m, b, t, i, r, j);
    for (int n = 0; n < @K1@; n++) q[n] = at(trace.kept(i, r, j) + n * Hp);
    last(p, s, f, q, out);
    if (b + r >= k.batch)  // rows that fill up a block begin each step from zero: nothing there may grow
      for (int n = 0; n < NS + NE; n++) out[n] = vf{};
    for (int n = @K1@; n < K; n++) at(trace.kept(i, r, j) + n * Hp) = q[n];
    for (int n = 0; n < NS; n++) at(trace.state(i + 1, n) + r * Hp + j) = out[n];
    if (given >= 0 && k.out.start)
      for (int n = 0; n < NO; n++) at(k.out.to(m, b + r, given) + n * Hp + j) = out[NE ? NS + n : n];
    if (given >= 0 && trace.shown) at(trace.shown + (given * trace.rows + r) * Hp + j) = out[NE ? NS : 0];
  });
}

// `parts` times H numbers of each row of the caller's to whole vectors: zeros where the caller has none.
static void widen(const Rows& from, const Call& k, long m, long b, long t, long rows, float* to, int parts = 1) {
  const long Hp = k.blocks * V;
  for (long r = 0; r < rows; r++)
    for (int i = 0; i < parts; i++, to += Hp) {
      const long n = from.start && b + r < k.batch ? k.H : 0;
      if (n) memcpy(to, from.to(m, b + r, t) + i * k.H, n * sizeof(float));
      memset(to + n, 0, (Hp - n) * sizeof(float));
    }
}

// States between a step of a trace and the caller's tensors.
static void enter(const Rows* first, const Call& k, long m, long b, const Trace& trace) {
  for (int n = 0; n < NS; n++) widen(first[n], k, m, b, 0, trace.rows, trace.state(0, n));
}
static void leave(const Rows* final, const Call& k, long m, long b, const Trace& trace, long i) {
  for (int n = 0; n < NS; n++)
    for (long r = 0; r < std::min(trace.rows, k.batch - b); r++)
      memcpy(final[n].to(m, b + r, 0), trace.state(i, n) + r * trace.Hp, k.H * sizeof(float));
}

static long tiles_in(long rows) { return (rows + TILE - 1) / TILE; }
static long mark_size(long Hp) { return NS * TILE * Hp; }

// What the caller makes room for, in numbers per run: whole traces, or the states at the first step of each segment.
extern "C" long trace_numbers(long rows, long steps, long Hp) { return tiles_in(rows) * trace_size(steps, Hp); }
extern "C" long mark_numbers(long rows, long segments, long Hp) { return tiles_in(rows) * segments * mark_size(Hp); }

struct Plan {  // where the trace, or the marks, of a tile are
  long tiles, segments, marks;
  explicit Plan(const Call& k)
      : tiles(tiles_in(k.B)), segments((k.T + k.segment - 1) / k.segment), marks(mark_size(k.blocks * V)) {}
  float* trace(const Call& k, long m, long b) const {
    return k.traces + (m * tiles + b / TILE) * trace_size(k.T, k.blocks * V);
  }
  float* mark(const Call& k, long m, long b) const { return k.traces + (m * tiles + b / TILE) * segments * marks; }
};

// All steps of one tile; into `marks`, if there are any, go the states at the first step of each segment.
static void tile(const Call& k, const Plan& plan, Packed& own, long m, long b, const Trace& trace, float* marks) {
  const long states = NS * trace.rows * trace.Hp;
  enter(k.first, k, m, b, trace);
  for (long t0 = 0; t0 < k.T; t0 += k.segment) {
    if (t0) memcpy(trace.s, trace.state(k.segment, 0), states * sizeof(float));
    if (marks) memcpy(marks + t0 / k.segment * plan.marks, trace.s, states * sizeof(float));
    for (long i = 0; i < std::min(k.segment, k.T - t0); i++) step(k, own, m, b, t0 + i, trace, i);
  }
}

static void all_forward(const Call& k) {
  const Plan plan(k);
  const long Hp = k.blocks * V;
  std::vector<float> scratch(k.keeps ? 0 : trace_size(k.segment, Hp));
  Packed own(k);
  for (long m = 0; m < k.M; m++) {
    own.fill(k, m);
    for (long b = 0; b < k.B; b += TILE) {
      const long rows = std::min<long>(TILE, k.B - b);
      const Trace trace = trace_at(k.keeps ? plan.trace(k, m, b) : scratch.data(), k.segment, rows, Hp);
      tile(k, plan, own, m, b, trace, k.keeps || !k.traces ? nullptr : plan.mark(k, m, b));
      leave(k.final, k, m, b, trace, k.T - (plan.segments - 1) * k.segment);
    }
  }
}

extern "C" int forward(const Call* call) {
  return with_memory([&] { all_forward(*call); });
}
"""
