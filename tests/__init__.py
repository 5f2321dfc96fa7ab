"""The tests, their fakes, the demo and the benchmarks."""
