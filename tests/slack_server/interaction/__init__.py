"""What people do in the fake Slack: commands, buttons, forms, messages."""
