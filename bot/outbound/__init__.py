"""Sending to Slack: dispatcher, attempts, lease, wake."""
