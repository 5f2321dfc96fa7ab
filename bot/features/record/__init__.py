"""The timeline, notes, marked messages, files and exports in Slack."""
