"""Kernels in C++, written from a cell's recorded step, compiled once and kept."""
