"""Escalations in Slack: packet form, card, calls and answers."""
