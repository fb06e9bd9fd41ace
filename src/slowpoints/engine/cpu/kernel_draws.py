"""Random numbers in C++; see `draws`, where the same is written in torch."""

# sin(pi b) / b in b^2 for |b| <= 1/2 and log(1 + m) / m in m for 1 + m from sqrt(1/2) to sqrt(2),
# with the smallest largest relative error, 5e-9 and 2e-7; lowest power first.
SIN = (3.1415927, -5.1677098, 2.5500698, -0.59824234, 0.077560785)
LOG = (
    0.99999994,
    -0.5000036,
    0.3333506,
    -0.24969909,
    0.19900173,
    -0.17250848,
    0.16222525,
    -0.10106764,
)

SOURCE = r"""#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

constexpr int L = 16;  // blocks side by side
#if defined(__AVX512F__)
#include <immintrin.h>
typedef __m512i Wide;
static inline Wide times(Wide a, uint64_t by) { return _mm512_mul_epu32(a, _mm512_set1_epi64(by)); }
#elif defined(__AVX2__)
#include <immintrin.h>
typedef __m256i Wide;
static inline Wide times(Wide a, uint64_t by) { return _mm256_mul_epu32(a, _mm256_set1_epi64x(by)); }
#else
typedef uint64_t Wide __attribute__((vector_size(16)));
static inline Wide times(Wide a, uint64_t by) { return (a & 0xffffffffull) * by; }
#endif
typedef uint64_t vu __attribute__((vector_size(sizeof(Wide))));
constexpr int W = sizeof(vu) / sizeof(uint64_t);
constexpr int N = std::min(2, L / W);  // vectors whose products wait for each other

struct Stream {
  uint64_t key, step;
  uint32_t draw;
};

// Four words of L neighbouring blocks. A word lies in the lower half of 64 bits; what is above it is of no account.
static inline void words(const Stream& own, uint64_t block, uint32_t (&to)[4][L]) {
  uint64_t wide[4][L];
  vu lane;
  for (int i = 0; i < W; i++) lane[i] = i;
  for (int from = 0; from < L; from += N * W) {
    vu a[N], b[N], c[N], d[N];
    for (int i = 0; i < N; i++) {
      a[i] = lane + (block + from + i * W);
      b[i] = vu{} + (uint64_t)own.draw;
      c[i] = vu{} + (own.step & 0xffffffffull);
      d[i] = vu{} + (own.step >> 32);
    }
    uint32_t first = own.key, second = own.key >> 32;
    for (int round = 0; round < 10; round++, first += 0x9E3779B9u, second += 0xBB67AE85u)
      for (int i = 0; i < N; i++) {
        const vu p = (vu)times((Wide)a[i], 0xD2511F53ull), q = (vu)times((Wide)c[i], 0xCD9E8D57ull);
        a[i] = (q >> 32) ^ b[i] ^ (uint64_t)first;
        c[i] = (p >> 32) ^ d[i] ^ (uint64_t)second;
        b[i] = q;
        d[i] = p;
      }
    for (int i = 0; i < N; i++) {
      memcpy(&wide[0][from + i * W], &a[i], sizeof(vu));
      memcpy(&wide[1][from + i * W], &b[i], sizeof(vu));
      memcpy(&wide[2][from + i * W], &c[i], sizeof(vu));
      memcpy(&wide[3][from + i * W], &d[i], sizeof(vu));
    }
  }
  for (int word = 0; word < 4; word++)
    for (int l = 0; l < L; l++) to[word][l] = wide[word][l];
}

static inline float sine(float b) {  // of pi b
  const float z = b * b;
  return b * @SIN@;
}

static inline float logarithm(float x) {
  int32_t bits;
  memcpy(&bits, &x, 4);
  const int32_t power = (bits - 0x3f3504f3) >> 23;
  bits -= power * 0x800000;
  float m;
  memcpy(&m, &bits, 4);
  m -= 1.0f;
  return m * @LOG@ + (float)power * 0.6931472f;
}

static inline void pair(const uint32_t* u, const uint32_t* v, float mean, float std, float* x, float* y) {
  for (int l = 0; l < L; l++) {
    const float radius = std * std::sqrt(-2.0f * logarithm(((float)(int32_t)(u[l] >> 8) + 0.5f) * 0x1p-24f));
    const float turn = (float)(int32_t)v[l] * 0x1p-31f, size = std::fabs(turn);  // in halves
    x[l] = mean + radius * sine(0.5f - size);
    y[l] = mean + radius * std::copysign(sine(std::min(size, 1.0f - size)), turn);
  }
}

enum Kind { UNIFORM, UNIFORM64, NORMAL };

static inline void make(Kind kind, const uint32_t (&w)[4][L], float mean, float std, void* to) {
  float* x = (float*)to;
  if (kind == NORMAL) {
    pair(w[0], w[1], mean, std, x, x + L);
    pair(w[2], w[3], mean, std, x + 2 * L, x + 3 * L);
  } else if (kind == UNIFORM) {
    for (int i = 0; i < 4 * L; i++) x[i] = (float)(int32_t)(w[i / L][i % L] >> 8) * 0x1p-24f;
  } else {
    double* wide = (double*)to;
    for (int half = 0; half < 2; half++)
      for (int l = 0; l < L; l++)
        wide[half * L + l] = ((double)(w[2 * half][l] >> 5) * 0x1p26 + (double)(w[2 * half + 1][l] >> 6)) * 0x1p-53;
  }
}

// `size` bytes of every stream, 4 L numbers of 4 bytes, or 2 L of 8, at a time.
extern "C" void draw(int kind, long streams, const int64_t* keys, const int64_t* steps, uint32_t number, long size,
                     float mean, float std, char* to) {
  constexpr long AT_ONCE = 16 * L;
  for (long s = 0; s < streams; s++, to += size) {
    const Stream own = {(uint64_t)keys[s], (uint64_t)steps[s], number};
    uint32_t w[4][L];
    double rest[2 * L];
    for (long done = 0, block = 0; done < size; done += AT_ONCE, block += L) {
      const bool is_whole = done + AT_ONCE <= size;
      words(own, block, w);
      make((Kind)kind, w, mean, std, is_whole ? (void*)(to + done) : (void*)rest);
      if (!is_whole) memcpy(to + done, rest, size - done);
    }
  }
}
"""
