"""Requests from Slack: Bolt, sockets, middleware, listeners."""
