"""The incident channel in Slack: opening, inviting, status card, announcement."""
