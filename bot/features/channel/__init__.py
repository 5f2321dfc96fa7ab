"""The incident channel in Slack: opening it, invites, status card, announcement."""
