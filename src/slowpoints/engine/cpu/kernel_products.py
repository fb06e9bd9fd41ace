"""The sequence kernel in C++: products with transposed weights, and sums of outer products.

See `kernel`.
"""

PRODUCTS = r"""
// to[r] += dp[r] W^T for C blocks of columns, or = where `fresh`.
template <int C>
static void turn(const float* w, const float* dp, long dp_row, long H, long Hp, int G, float* to, long to_row,
                 long rows, bool fresh) {
  for (long r0 = 0; r0 < rows; r0 += R) {
    vf acc[R][C];
    for (int r = 0; r < R; r++)
      for (int c = 0; c < C; c++) acc[r][c] = fresh ? vf{} : at(to + (r0 + r) * to_row + c * V);
    for (int g = 0; g < G; g++) accumulate<C>(acc, dp + r0 * dp_row + g * Hp, dp_row, w + g * H * C * V, H);
    for (int r = 0; r < R; r++)
      for (int c = 0; c < C; c++) at(to + (r0 + r) * to_row + c * V) = acc[r][c];
  }
}

// Weights [n, H] of all streams as `turn` reads them: for C blocks at a time [G H][C][V], zeros beyond n.
static void turn_weights(const Matrix* weights, const Call& k, long m, int G, long n, long blocks, float* to) {
  memset(to, 0, k.H * G * blocks * V * sizeof(float));
  for (long j = 0, C; j < blocks; j += C, to += k.H * G * C * V) {
    C = beside(blocks - j);
    for (int g = 0; g < G; g++)
      for (long i = 0; i < std::min(n - j * V, C * V); i++) {
        const float* row = weights[g].start + m * weights[g].run + (j * V + i) * k.H;
        for (long h = 0; h < k.H; h++) to[(g * k.H + h) * C * V + i] = row[h];
      }
  }
}

static void turned(const float* w, const float* dp, long dp_row, long H, long Hp, int G, float* to, long to_row,
                   long blocks, long rows, bool fresh) {
  for (long j = 0, C; j < blocks; j += C, w += G * H * C * V, to += C * V) {
    C = beside(blocks - j);
    if (C == 3) turn<3>(w, dp, dp_row, H, Hp, G, to, to_row, rows, fresh);
    else if (C == 2) turn<2>(w, dp, dp_row, H, Hp, G, to, to_row, rows, fresh);
    else turn<1>(w, dp, dp_row, H, Hp, G, to, to_row, rows, fresh);
  }
}

struct Numbers {  // a[step][row], numbers side by side
  const float* start;
  long step, row;
};

// out[i] += sum over steps and rows of a[i] dp, for I numbers a and C vectors of dp.
template <int I, int C>
static void outer_tile(Numbers a, const float* dp, long dp_row, long steps, long rows, float* out, long width) {
  vf acc[I][C];
  for (int i = 0; i < I; i++)
    for (int c = 0; c < C; c++) acc[i][c] = at(out + i * width + c * V);
  for (long t = 0; t < steps; t++)
    for (long r = 0; r < rows; r++, dp += dp_row) {
      const float* numbers = a.start + t * a.step + r * a.row;
      vf slope[C];
      for (int c = 0; c < C; c++) hold(slope[c] = at(dp + c * V));
      for (int i = 0; i < I; i++)
        for (int c = 0; c < C; c++) acc[i][c] += slope[c] * numbers[i];
    }
  for (int i = 0; i < I; i++)
    for (int c = 0; c < C; c++) at(out + i * width + c * V) = acc[i][c];
}

template <int I, int C>
static void outer_rest(Numbers a, long n, const float* dp, long dp_row, long steps, long rows, float* out, long width) {
  for (; n >= I; n -= I, a.start += I, out += I * width) outer_tile<I, C>(a, dp, dp_row, steps, rows, out, width);
  if constexpr (I > 1) outer_rest<I / 2, C>(a, n, dp, dp_row, steps, rows, out, width);
}

static void outer(Numbers a, long n, const float* dp, long dp_row, long steps, long rows, float* out, long width) {
  constexpr int SUMS = 3 * R;
  for (long left = width / V, C; left > 0; left -= C, dp += C * V, out += C * V) {
    C = beside(left);
    if (C == 3) outer_rest<SUMS / 3, 3>(a, n, dp, dp_row, steps, rows, out, width);
    else if (C == 2) outer_rest<SUMS / 2, 2>(a, n, dp, dp_row, steps, rows, out, width);
    else outer_rest<SUMS, 1>(a, n, dp, dp_row, steps, rows, out, width);
  }
}
"""
