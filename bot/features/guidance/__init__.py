"""Private prompts and guidance in Slack."""
