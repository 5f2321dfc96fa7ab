"""Databases: engine and sessions, leases, processed requests."""
