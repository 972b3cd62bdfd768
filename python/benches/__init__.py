"""Models and rivals of the benchmarks."""
