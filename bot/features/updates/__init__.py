"""Stakeholder updates in Slack."""
