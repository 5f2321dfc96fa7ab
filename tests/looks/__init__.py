"""What people see, drawn roughly as Slack draws it: a tool for judging by eye, not a test."""
