"""Pagers on the command line."""
