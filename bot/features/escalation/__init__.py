"""Escalations in Slack: packet form, card, calls, answers."""
