"""Draws what people see, roughly as Slack does: a tool for judging by eye, not a test."""
