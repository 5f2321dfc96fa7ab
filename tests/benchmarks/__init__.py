"""Benchmarks of the whole bot against the embedded Slack: `python -m tests.benchmarks`."""
