"""The sequence kernel in C++: one layer of one cell over all steps, for M runs of B sequences each.

@...@ is filled in from the cell's own step. Rows are sequences, columns are units in vectors of V numbers; Hp is H
rounded up to whole vectors. A few rows go through all steps together, so that their states stay in the nearest
cache and a weight, once loaded, serves all of them. Runs never meet: each is computed as if it were alone.
"""

FORWARD = r"""#include <cstdint>
#include <cstring>
#include <vector>

constexpr int V = @V@;      // numbers per vector
constexpr int N1 = @N1@;    // streams with a projection of the state
constexpr int N2 = @N2@;    // streams with a projection of what `read` returns
constexpr int NF = @NF@;    // streams without a projection
constexpr int NS = @NS@;    // states
constexpr int NE = @NE@;    // 1: the step returns an output beside the states
constexpr int ROWS = @ROWS@;  // sequences that share a weight in registers
typedef float vf __attribute__((vector_size(4 * V), aligned(4), may_alias));
typedef int32_t vi __attribute__((vector_size(4 * V), aligned(4), may_alias));

static inline vf all(float x) { return vf{} + x; }
static inline vf exp_(vf x) {
  x = x < -87.0f ? all(-87.0f) : x;  // a comparison with NaN is false: NaN stays
  x = x > 88.0f ? all(88.0f) : x;
  const vf magic = all(12582912.0f);
  vf shifted = x * 1.44269504f + magic;
  vf n = shifted - magic;
  vf r = x - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  vf y = @EXP@;
  vi scale = ((vi)shifted << 23) + (vi)all(1.0f);
  return y * (vf)scale;
}
static inline vf relu_(vf x) { return x < 0.0f ? all(0.0f) : x; }
static inline vf positive_(vf x) { return x > 0.0f ? all(1.0f) : all(0.0f); }
static inline vf sigmoid_(vf x) { return 1.0f / (1.0f + exp_(-x)); }
static inline vf tanh_(vf x) {
  vf z = x * x;
  vf near = x + x * z * (@TANH@);
  vf far = 1.0f - 2.0f / (1.0f + exp_(x + x));
  return z < 0.36f ? near : far;
}

static inline void step_forward(const vf* p, const vf* s, const vf* f, vf* out) {
  @STEP@
}
static inline void step_backward(const vf* p, const vf* s, const vf* f, const vf* d, vf* dp, vf* ds, vf* df) {
  @STEP_BACK@
}
#if @N2@
static inline vf read_forward(const vf* p, const vf* s, const vf* f) {
  @READ@
  return seen;
}
static inline void read_backward(const vf* p, const vf* s, const vf* f, vf d, vf* dp, vf* ds, vf* df) {
  @READ_BACK@
}
#endif

// out[r][c] += sum_i a[r][i] w[i][c], C vectors wide; w is packed [n][C][V].
template <int R, int C>
static inline void accumulate(vf (&acc)[R][C], const float* a, long a_row, const float* w, long n) {
  for (long i = 0; i < n; i++, w += C * V) {
    vf weight[C];
    for (int c = 0; c < C; c++) weight[c] = *(const vf*)(w + c * V);
    for (int r = 0; r < R; r++) {
      const float number = a[r * a_row + i];
      for (int c = 0; c < C; c++) acc[r][c] += weight[c] * number;
    }
  }
}

struct Stage {
  const float* source;  // [M, T, B, width] in strides
  long run, step, row, width;
  const float* weights;  // [M][H / V][1 + width + H][G][V]: bias, input, recurrent
  float* p;              // [M][T][B][G][Hp]
};

struct Call {
  long M, T, B, H, blocks, keeps;  // blocks: H in vectors; keeps: pre-activations are kept for the backward pass
  Stage stage[2];
  const float* free[NF + 1];  // [M][T][B][Hp]
  float* state[NS];          // [M][T + 1][B][Hp], the first step is given
  float* emitted;            // [M][T][B][Hp]
};

template <int R, int G>
static void project(const Stage& stage, const Call& k, long m, long t, long b, const float* seen, float* p) {
  const long depth = 1 + stage.width + k.H, Hp = k.blocks * V;
  const float* x = stage.source + m * stage.run + t * stage.step + b * stage.row;
  const float* w = stage.weights + m * k.blocks * depth * G * V;
  for (long j = 0; j < k.blocks; j++, w += depth * G * V) {
    vf acc[R][G];
    for (int r = 0; r < R; r++)
      for (int g = 0; g < G; g++) acc[r][g] = *(const vf*)(w + g * V);
    accumulate<R, G>(acc, x, stage.row, w + G * V, stage.width);
    accumulate<R, G>(acc, seen, Hp, w + (1 + stage.width) * G * V, k.H);
    for (int r = 0; r < R; r++)
      for (int g = 0; g < G; g++) *(vf*)(p + (r * G + g) * Hp + j * V) = acc[r][g];
  }
}

static inline void gather(vf* to, const float* from, long Hp, int n) {
  for (int g = 0; g < n; g++) to[g] = *(const vf*)(from + g * Hp);
}

template <int R>
static void forward_rows(const Call& k, long m, long b, float* scratch) {
  const long Hp = k.blocks * V;
  float* seen = scratch + R * (N1 + N2) * Hp;
  for (long t = 0; t < k.T; t++) {
    const long here = (m * k.T + t) * k.B + b;
    const long before = ((m * (k.T + 1) + t) * k.B + b) * Hp, after = before + k.B * Hp;
    float* p1 = k.keeps ? k.stage[0].p + here * N1 * Hp : scratch;
    float* p2 = k.keeps ? k.stage[1].p + here * N2 * Hp : scratch + R * N1 * Hp;
    project<R, N1>(k.stage[0], k, m, t, b, k.state[0] + before, p1);
#if @N2@
    for (int r = 0; r < R; r++)
      for (long j = 0; j < Hp; j += V) {
        vf p[N1], s[NS], f[NF + 1];
        gather(p, p1 + r * N1 * Hp + j, Hp, N1);
        for (int i = 0; i < NS; i++) s[i] = *(const vf*)(k.state[i] + before + r * Hp + j);
        for (int i = 0; i < NF; i++) f[i] = *(const vf*)(k.free[i] + (here + r) * Hp + j);
        *(vf*)(seen + r * Hp + j) = read_forward(p, s, f);
      }
    project<R, N2>(k.stage[1], k, m, t, b, seen, p2);
#endif
    for (int r = 0; r < R; r++)
      for (long j = 0; j < Hp; j += V) {
        vf p[N1 + N2], s[NS], f[NF + 1], out[NS + 1];
        gather(p, p1 + r * N1 * Hp + j, Hp, N1);
        gather(p + N1, p2 + r * N2 * Hp + j, Hp, N2);
        for (int i = 0; i < NS; i++) s[i] = *(const vf*)(k.state[i] + before + r * Hp + j);
        for (int i = 0; i < NF; i++) f[i] = *(const vf*)(k.free[i] + (here + r) * Hp + j);
        step_forward(p, s, f, out);
        for (int i = 0; i < NS; i++) *(vf*)(k.state[i] + after + r * Hp + j) = out[i];
        if (NE) *(vf*)(k.emitted + (here + r) * Hp + j) = out[NS];
      }
  }
}

extern "C" void forward(const Call* call) {
  const Call& k = *call;
  std::vector<float> scratch(ROWS * (N1 + N2 + 1) * k.blocks * V);
  for (long m = 0; m < k.M; m++) {
    long b = 0;
    for (; b + ROWS <= k.B; b += ROWS) forward_rows<ROWS>(k, m, b, scratch.data());
    for (; b < k.B; b++) forward_rows<1>(k, m, b, scratch.data());
  }
}
"""
