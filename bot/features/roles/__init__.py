"""Roles and handoffs in Slack."""
