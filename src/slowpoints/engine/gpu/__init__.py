"""Kernels in Triton, and steps recorded as one CUDA graph."""
