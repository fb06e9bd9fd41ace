"""The sequence kernel in C++: forward, read-out, loss and backward of one tile after the other.

See `kernel`. A tile's trace is used while it lies in the nearest caches, and is never written out.
"""

READING = r"""
enum Kind { SQUARED, CROSS_ENTROPY, LOGISTIC };

struct Asked {  // of the last steps: the read-out, and what its outputs are compared with
  Matrix W, b, d_W, d_b;   // [M, H, O], [M, O]
  Rows wanted;             // [M, batch, last, O] numbers; for CROSS_ENTROPY outputs, int64 [M, batch, last]
  Rows weight;             // [M, batch, last]
  const uint8_t* allowed;  // [M, O] outputs that are in use: the others are left out of CROSS_ENTROPY
  float* loss;             // [M] mean over rows and steps, by their weights
  long O, kind;
};

// Read-out and loss of one run, a tile at a time.
struct Reading {
  long H, Hp, O, Op, last, rows = 0;
  std::vector<float> to_out, to_h, bias, usable, y, z, sum_W, sum_b;
  double counted = 0, total = 0;

  Reading(const Call& k, const Asked& a)
      : H(k.H), Hp(k.blocks * V), O(a.O), Op((a.O + V - 1) / V * V), last(k.last), to_out(H * Op), to_h(O * Hp),
        bias(Op), usable(Op), y(last * TILE * Hp), z(last * TILE * Op), sum_W(H * Op), sum_b(Op) {}

  void fill(const Call& k, const Asked& a, long m) {
    const float *W = a.W.start + m * a.W.run, *b = a.b.start + m * a.b.run;
    float *out = to_out.data(), *back = to_h.data();
    for (long j = 0, C; j < Op / V; j += C, out += H * C * V) {
      C = beside(Op / V - j);
      for (long h = 0; h < H; h++)
        for (long o = 0; o < std::min(O - j * V, C * V); o++) out[h * C * V + o] = W[h * O + j * V + o];
    }
    for (long j = 0, C; j < Hp / V; j += C, back += O * C * V) {
      C = beside(Hp / V - j);
      for (long o = 0; o < O; o++)
        for (long h = 0; h < std::min(H - j * V, C * V); h++) back[o * C * V + h] = W[(j * V + h) * O + o];
    }
    for (long o = 0; o < O; o++) {
      bias[o] = b[o];
      usable[o] = a.allowed[m * O + o];
    }
    std::fill(sum_W.begin(), sum_W.end(), 0.0f);
    std::fill(sum_b.begin(), sum_b.end(), 0.0f);
    counted = total = 0;
    for (long r = 0; r < k.batch; r++)
      for (long t = 0; t < last; t++) counted += *a.weight.to(m, r, t);
  }

  // From the states of a tile's last steps, y, to the slopes of their outputs, z.
  void read(const Call& k, const Asked& a, long m, long b) {
    turned(to_out.data(), y.data(), Hp, H, Hp, 1, z.data(), Op, Op / V, last * rows, true);
    float* row = z.data();
    for (long t = 0; t < last; t++)
      for (long r = 0; r < rows; r++, row += Op) {
        for (long o = 0; o < Op; o += V) at(row + o) += at(bias.data() + o);
        if (b + r < k.batch) total += slope(a, m, b + r, t, row);
        else memset(row, 0, Op * sizeof(float));
      }
    static const float one = 1.0f;
    outer({&one, 0, 0}, 1, z.data(), Op, last, rows, sum_b.data(), Op);
    outer({y.data(), rows * Hp, Hp}, H, z.data(), Op, last, rows, sum_W.data(), Op);
  }

  // What a row costs; its outputs become slopes of the loss.
  double slope(const Asked& a, long m, long b, long t, float* out) const {
    const double weight = *a.weight.to(m, b, t);
    if (weight == 0 && counted > 0) {  // padding, whatever is asked of it
      memset(out, 0, Op * sizeof(float));
      return 0;
    }
    const float share = weight / counted;
    if (a.kind == CROSS_ENTROPY) {
      const long place = m * a.wanted.run + b * a.wanted.row + t * a.wanted.step;
      return weight * among(((const int64_t*)a.wanted.start)[place], share, out);
    }
    const float* wanted = a.wanted.to(m, b, t);
    double cost = 0;
    for (long o = 0; o < O; o++) {
      float own = out[o] - wanted[o];
      if (a.kind == SQUARED) {
        cost += own * own;
        out[o] = 2 * own * share / O;
      } else {
        const float small = std::exp(-std::fabs(out[o]));
        cost += std::max(out[o], 0.0f) + std::log1p(small) - wanted[o] * out[o];
        out[o] = ((out[o] >= 0 ? 1.0f : small) / (1 + small) - wanted[o]) * share / O;
      }
    }
    return weight * cost / O;
  }

  // -log p of one output among those in use.
  double among(long wanted, float share, float* out) const {
    const bool is_one = wanted >= 0 && wanted < O;
    float most = -HUGE_VALF, sum = 0;
    for (long o = 0; o < O; o++)
      if (usable[o] && out[o] > most) most = out[o];
    double cost = is_one ? (usable[wanted] ? most - out[wanted] : HUGE_VAL) : 0;
    for (long o = 0; o < Op; o += V) {
      at(out + o) = at(usable.data() + o) > 0.0f ? exp_(at(out + o) - most) : vf{};
      for (long i = 0; i < V; i++) sum += out[o + i];
    }
    for (long o = 0; o < Op; o += V) at(out + o) = is_one ? at(out + o) * (share / sum) : vf{};
    if (!is_one) return 0;
    if (usable[wanted]) out[wanted] -= share;
    return cost + std::log(sum);
  }

  void back(long t, float* d_y) const {
    turned(to_h.data(), z.data() + t * rows * Op, Op, O, Op, 1, d_y, Hp, Hp / V, rows, true);
  }

  void hand_over(const Asked& a, long m) const {
    for (long h = 0; h < H; h++) memcpy(a.d_W.start + m * a.d_W.run + h * O, sum_W.data() + h * Op, O * sizeof(float));
    memcpy(a.d_b.start + m * a.d_b.run, sum_b.data(), O * sizeof(float));
    a.loss[m] = total / counted;
  }
};
"""

PASS = r"""
static void all_in_one(const Call& k, const Back& back, const Asked& asked) {
  const Plan plan(k);
  const long Hp = k.blocks * V, steps = chunk(k);
  std::vector<float> scratch(trace_size(k.segment, Hp)), marks(plan.segments > 1 ? plan.segments * plan.marks : 0);
  Packed packed(k);
  Scratch own(steps, Hp);
  Turned stages[2];
  Reading reading(k, asked);
  own.reading = &reading;
  for (long m = 0; m < k.M; m++) {
    packed.fill(k, m);
    for (int i = 0; i < (N2 ? 2 : 1); i++) stages[i].fill(k.stage[i], back.stage[i], k, m, i ? N2 : N1);
    reading.fill(k, asked, m);
    for (long b = 0; b < k.B; b += TILE) {
      own.rows = reading.rows = std::min<long>(TILE, k.B - b);
      Trace trace = trace_at(scratch.data(), k.segment, own.rows, Hp);
      trace.shown = reading.y.data();
      tile(k, plan, packed, m, b, trace, marks.empty() ? nullptr : marks.data());
      trace.shown = nullptr;
      reading.read(k, asked, m, b);
      std::fill(own.d_state.begin(), own.d_state.end(), 0.0f);
      tile_back(k, back, plan, packed, stages, m, b, trace, marks.empty() ? nullptr : marks.data(), own);
    }
    for (int i = 0; i < (N2 ? 2 : 1); i++) stages[i].hand_over(k.stage[i], back.stage[i], k, m);
    reading.hand_over(asked, m);
  }
}

extern "C" int one_pass(const Call* call, const Back* slopes, const Asked* asked) {
  return with_memory([&] { all_in_one(*call, *slopes, *asked); });
}
"""
