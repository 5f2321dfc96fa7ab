"""The lifecycle of an incident in Slack: declare, status, severity, edit, milestones, resolve."""
