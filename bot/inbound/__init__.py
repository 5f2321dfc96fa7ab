"""What comes in from Slack: Bolt, sockets, middleware, listeners."""
