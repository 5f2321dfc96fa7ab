"""The HTTP side: Slack's endpoint, health, metrics."""
