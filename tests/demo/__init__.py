"""A SEV2 incident played by the real bot against the embedded Slack: `python -m tests.demo`."""
