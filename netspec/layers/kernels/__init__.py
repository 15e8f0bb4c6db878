"""Kernels written in Triton, a file per family. They import triton, and are imported when they first run."""
