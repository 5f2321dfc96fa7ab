"""The postmortem and action items in Slack."""
