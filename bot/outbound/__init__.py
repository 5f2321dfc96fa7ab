"""What goes out to Slack: dispatcher, attempts, lease, wake."""
