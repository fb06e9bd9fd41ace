"""The sequence kernel in C++, backward: the gradients of weights, first states and free streams; see `kernel`."""

BACKWARD = r"""
struct Back {
  const float* transposed[2];  // [M][H / V / C][G H][C][V]: from pre-activations to what the projections saw
  long last;                   // gradients of outputs are given for the last steps
  const float* d_out;          // [M][last][B][Hp]
  float* d_state[NS];          // [M][B][Hp]: of the final states; becomes that of the first
  float* d_free[NF + 1];       // [M][T][B][Hp]
  float* seen;                 // [M][T][B][Hp]: what `read` returned
  float* d_weights[2];         // [M][1 + width + H][G][Hp]: bias, input, recurrent; starts at zero
};

// d[r] += dp[r] R^T, all columns.
template <int R, int C>
static void pull_back(const float* w, const float* dp, float* d, long H, long Hp, int G) {
  for (long j = 0; j < Hp; j += C * V) {
    vf acc[R][C];
    for (int r = 0; r < R; r++)
      for (int c = 0; c < C; c++) acc[r][c] = *(const vf*)(d + r * Hp + j + c * V);
    for (int g = 0; g < G; g++, w += H * C * V) accumulate<R, C>(acc, dp + g * Hp, G * Hp, w, H);
    for (int r = 0; r < R; r++)
      for (int c = 0; c < C; c++) *(vf*)(d + r * Hp + j + c * V) = acc[r][c];
  }
}

template <int R>
static void pull(const float* w, const float* dp, float* d, long H, long Hp, int G) {
  const long blocks = Hp / V;
  if (blocks % 3 == 0) pull_back<R, 3>(w, dp, d, H, Hp, G);
  else if (blocks % 2 == 0) pull_back<R, 2>(w, dp, d, H, Hp, G);
  else pull_back<R, 1>(w, dp, d, H, Hp, G);
}

// out[i] += sum over steps and rows of a[i] dp, for I numbers a and C vectors of dp.
template <int I, int C>
static void outer_tile(const float* a, long a_step, long a_row, const float* dp, long dp_step, long width, long T,
                       int R, float* out) {
  vf acc[I][C];
  for (int i = 0; i < I; i++)
    for (int c = 0; c < C; c++) acc[i][c] = *(const vf*)(out + i * width + c * V);
  for (long t = 0; t < T; t++)
    for (int r = 0; r < R; r++) {
      const float* numbers = a + t * a_step + r * a_row;
      vf slope[C];
      for (int c = 0; c < C; c++) slope[c] = *(const vf*)(dp + t * dp_step + r * width + c * V);
      for (int i = 0; i < I; i++)
        for (int c = 0; c < C; c++) acc[i][c] += slope[c] * numbers[i];
    }
  for (int i = 0; i < I; i++)
    for (int c = 0; c < C; c++) *(vf*)(out + i * width + c * V) = acc[i][c];
}

template <int C>
static void outer_columns(const float* a, long a_step, long a_row, long n, const float* dp, long dp_step, long width,
                          long T, int R, float* out) {
  for (long j = 0; j < width; j += C * V) {
    long i = 0;
    for (; i + 8 <= n; i += 8)
      outer_tile<8, C>(a + i, a_step, a_row, dp + j, dp_step, width, T, R, out + i * width + j);
    for (; i < n; i++) outer_tile<1, C>(a + i, a_step, a_row, dp + j, dp_step, width, T, R, out + i * width + j);
  }
}

static void outer(const float* a, long a_step, long a_row, long n, const float* dp, long dp_step, long width, long T,
                  int R, float* out) {
  const long blocks = width / V;
  if (blocks % 3 == 0) outer_columns<3>(a, a_step, a_row, n, dp, dp_step, width, T, R, out);
  else if (blocks % 2 == 0) outer_columns<2>(a, a_step, a_row, n, dp, dp_step, width, T, R, out);
  else outer_columns<1>(a, a_step, a_row, n, dp, dp_step, width, T, R, out);
}

// The weights' gradient of one stage from R sequences, all steps; `seen` is what the projections saw.
static void weigh(const Stage& stage, const Call& k, long m, long b, int R, int G, const float* seen, long seen_step,
                  float* d_weights) {
  static const float one = 1.0f;
  const long Hp = k.blocks * V, width = G * Hp, dp_step = k.B * width;
  const float* dp = stage.p + (m * k.T * k.B + b) * width;
  const float* x = stage.source + m * stage.run + b * stage.row;
  float* out = d_weights + m * (1 + stage.width + k.H) * width;
  outer(&one, 0, 0, 1, dp, dp_step, width, k.T, R, out);
  outer(x, stage.step, stage.row, stage.width, dp, dp_step, width, k.T, R, out + width);
  outer(seen, seen_step, Hp, k.H, dp, dp_step, width, k.T, R, out + (1 + stage.width) * width);
}

// The pre-activations kept by the forward pass are replaced by their gradients, step by step.
template <int R>
static void backward_rows(const Call& k, const Back& back, long m, long b, float* scratch) {
  const long Hp = k.blocks * V;
  float *dp1 = scratch, *dp2 = dp1 + R * N1 * Hp, *d_seen = dp2 + R * N2 * Hp;
  float* d_first = back.d_state[0] + (m * k.B + b) * Hp;
  for (long t = k.T - 1; t >= 0; t--) {
    const long here = ((m * k.T + t) * k.B + b), before = ((m * (k.T + 1) + t) * k.B + b) * Hp;
    const long out = t - (k.T - back.last);
    const float* d_out = out < 0 ? nullptr : back.d_out + ((m * back.last + out) * k.B + b) * Hp;
    for (int r = 0; r < R; r++)
      for (long j = 0; j < Hp; j += V) {
        vf p[N1 + N2], s[NS], f[NF + 1], d[NS + 1], dp[N1 + N2], ds[NS], df[NF + 1];
        const long at = (m * k.B + b + r) * Hp + j;
        gather(p, k.stage[0].p + (here + r) * N1 * Hp + j, Hp, N1);
        gather(p + N1, k.stage[1].p + (here + r) * N2 * Hp + j, Hp, N2);
        for (int i = 0; i < NS; i++) s[i] = *(const vf*)(k.state[i] + before + r * Hp + j);
        for (int i = 0; i < NF; i++) f[i] = *(const vf*)(k.free[i] + (here + r) * Hp + j);
        for (int i = 0; i < NS; i++) d[i] = *(const vf*)(back.d_state[i] + at);
        d[NS] = all(0.0f);
        if (d_out) d[NE ? NS : 0] += *(const vf*)(d_out + r * Hp + j);
        step_backward(p, s, f, d, dp, ds, df);
#if @N2@
        *(vf*)(back.seen + (here + r) * Hp + j) = read_forward(p, s, f);
#endif
        for (int i = 0; i < N1; i++) *(vf*)(dp1 + (r * N1 + i) * Hp + j) = dp[i];
        for (int i = 0; i < N2; i++) *(vf*)(dp2 + (r * N2 + i) * Hp + j) = dp[N1 + i];
        for (int i = 0; i < NS; i++) *(vf*)(back.d_state[i] + at) = ds[i];
        for (int i = 0; i < NF; i++) *(vf*)(back.d_free[i] + (here + r) * Hp + j) = df[i];
      }
#if @N2@
    memset(d_seen, 0, R * Hp * sizeof(float));
    pull<R>(back.transposed[1] + m * N2 * k.H * Hp, dp2, d_seen, k.H, Hp, N2);
    for (int r = 0; r < R; r++)
      for (long j = 0; j < Hp; j += V) {
        vf p[N1], s[NS], f[NF + 1], dp[N1], ds[NS], df[NF + 1];
        gather(p, k.stage[0].p + (here + r) * N1 * Hp + j, Hp, N1);
        for (int i = 0; i < NS; i++) s[i] = *(const vf*)(k.state[i] + before + r * Hp + j);
        for (int i = 0; i < NF; i++) f[i] = *(const vf*)(k.free[i] + (here + r) * Hp + j);
        read_backward(p, s, f, *(const vf*)(d_seen + r * Hp + j), dp, ds, df);
        for (int i = 0; i < N1; i++) *(vf*)(dp1 + (r * N1 + i) * Hp + j) += dp[i];
        for (int i = 0; i < NS; i++) *(vf*)(back.d_state[i] + (m * k.B + b + r) * Hp + j) += ds[i];
        for (int i = 0; i < NF; i++) *(vf*)(back.d_free[i] + (here + r) * Hp + j) += df[i];
      }
    memcpy(k.stage[1].p + here * N2 * Hp, dp2, R * N2 * Hp * sizeof(float));
#endif
    pull<R>(back.transposed[0] + m * N1 * k.H * Hp, dp1, d_first, k.H, Hp, N1);
    memcpy(k.stage[0].p + here * N1 * Hp, dp1, R * N1 * Hp * sizeof(float));
  }
  const float* states = k.state[0] + (m * (k.T + 1) * k.B + b) * Hp;
  weigh(k.stage[0], k, m, b, R, N1, states, k.B * Hp, back.d_weights[0]);
#if @N2@
  weigh(k.stage[1], k, m, b, R, N2, back.seen + (m * k.T * k.B + b) * Hp, k.B * Hp, back.d_weights[1]);
#endif
}

extern "C" void backward(const Call* call, const Back* back) {
  const Call& k = *call;
  std::vector<float> scratch(ROWS * (N1 + N2 + 1) * k.blocks * V);
  for (long m = 0; m < k.M; m++) {
    long b = 0;
    for (; b + ROWS <= k.B; b += ROWS) backward_rows<ROWS>(k, *back, m, b, scratch.data());
    for (; b < k.B; b++) backward_rows<1>(k, *back, m, b, scratch.data());
  }
}
"""
