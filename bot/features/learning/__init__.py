"""Shadows, debriefs and mentoring in Slack."""
