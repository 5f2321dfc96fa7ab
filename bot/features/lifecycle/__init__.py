"""Declare, status, severity, edit, milestones, resolve in Slack."""
