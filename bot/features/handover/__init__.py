"""Handovers of on-call shifts in Slack."""
