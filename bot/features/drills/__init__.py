"""Drills in Slack: forms, messages, scorecard."""
