"""How requests travel between the fake Slack and the bot, and what can go wrong."""
