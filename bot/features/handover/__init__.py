"""On-call handovers in Slack."""
