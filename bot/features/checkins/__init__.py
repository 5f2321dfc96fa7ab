"""Check-ins and staleness in Slack."""
