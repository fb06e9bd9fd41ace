"""The sequence kernel in C++: its constants, the cell's math, and how its tensors lie in memory.

See `kernel`.
"""

DATA = r"""#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <new>
#include <vector>

constexpr int V = @V@;      // numbers per vector
constexpr int R = @R@;      // rows that share a weight in registers
constexpr int TILE = @TILE@;  // rows that go through the steps together, at most
constexpr int N1 = @N1@;    // streams with a projection of the state
constexpr int N2 = @N2@;    // streams with a projection of what `read` returns
constexpr int NF = @NF@;    // streams without a projection
constexpr int NS = @NS@;    // states
constexpr int NE = @NE@;    // outputs that the step returns beside the states
constexpr int NO = NE ? NE : 1;  // outputs: without any, the first state
constexpr int K = @K@;      // values kept for the derivative
constexpr int NP = N1 > N2 ? N1 : N2;
typedef float vf __attribute__((vector_size(4 * V), aligned(4), may_alias));
typedef int32_t vi __attribute__((vector_size(4 * V), aligned(4), may_alias));

// What a call returns: 1 where there is no memory for its own numbers.
template <class Work>
static int with_memory(Work work) {
  try {
    work();
    return 0;
  } catch (const std::bad_alloc&) {
    return 1;
  }
}

// Keeps a vector in a register: the compiler would read it from memory again at each use, more than the loads allow.
static inline void hold(vf& x) {
#if defined(__AVX512F__)
  asm("" : "+v"(x));
#elif defined(__SSE2__)
  asm("" : "+x"(x));
#elif defined(__aarch64__)
  asm("" : "+w"(x));
#endif
}

#if defined(__AVX512F__) || defined(__aarch64__)
#define PRODUCT static inline
#else
#define PRODUCT __attribute__((noinline)) static
#endif

static inline vf all(float x) { return vf{} + x; }
static inline vf& at(float* p) { return *(vf*)p; }
static inline vf at(const float* p) { return *(const vf*)p; }
static inline vf within(vf x, float limit) {
  x = x < -limit ? all(-limit) : x;  // a comparison with NaN is false: NaN stays
  return x > limit ? all(limit) : x;
}
static inline vf exp_(vf x) {
  x = within(x, 87.0f);
  const vf magic = all(12582912.0f);
  vf shifted = x * 1.44269504f + magic;
  vf n = shifted - magic;
  vf r = x - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  vf y = @EXP@;
  vi scale = ((vi)shifted << 23) + (vi)all(1.0f);
  return y * (vf)scale;
}
static inline vf tanh_(vf x) {
  x = within(x, @TANH_LIMIT@f);
  vf z = x * x;
  return x * (@TANH_P@) / (@TANH_Q@);
}
static inline vf sigmoid_(vf x) { return 0.5f * tanh_(0.5f * x) + 0.5f; }
static inline vf relu_(vf x) { return x < 0.0f ? all(0.0f) : x; }
static inline vf positive_(vf x) { return x > 0.0f ? all(1.0f) : all(0.0f); }

#if @N2@
static inline vf first(const vf* p, const vf* s, const vf* f, vf* q) {
  @FIRST@
  return seen;
}
#endif
static inline void last(const vf* p, const vf* s, const vf* f, vf* q, vf* out) {
  @LAST@
}

struct Rows {  // a tensor [M, B, T, n] of the caller
  float* start;
  long run, row, step;
  float* to(long m, long b, long t) const { return start + m * run + b * row + t * step; }
};

struct Matrix {  // a weight [M, n, H]
  float* start;
  long run;
};

struct Stage {
  Rows source;
  long given, width;             // steps at which there is input, its width
  Matrix b[NP], W[NP], R[NP];    // by stream
  long depth(long H) const { return 1 + width + H; }
};

struct Call {
  long M, B, batch, T, H, blocks, last, segment, keeps;  // batch: sequences the caller has; blocks: Hp / V
  Stage stage[2];
  Rows free[NF + 1], out;
  Rows first[NS], final[NS];  // [M, batch, 1, H]
  float* traces;  // of whole sequences if `keeps`; otherwise the states at the first step of every segment, or null
};

struct Trace {  // of some steps of one tile: states [steps + 1][NS][rows][Hp], q [steps][rows][K][Hp]
  float *s, *q;
  long rows, Hp;
  float* shown;  // outputs of the last steps [last][rows][Hp], if they are wanted here
  float* state(long t, int i) const { return s + (t * NS + i) * rows * Hp; }
  float* kept(long t, long r, long j) const { return q + (t * rows + r) * K * Hp + j; }
};

static long trace_size(long steps, long Hp) { return TILE * Hp * ((steps + 1) * NS + steps * K); }
static Trace trace_at(float* start, long steps, long rows, long Hp) {
  return {start, start + (steps + 1) * NS * rows * Hp, rows, Hp, nullptr};
}
"""
