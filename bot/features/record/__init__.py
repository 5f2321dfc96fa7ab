"""Timeline, notes, marks, files, exports in Slack."""
