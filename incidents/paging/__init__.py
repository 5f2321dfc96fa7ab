"""Paging: waking people through the pagers that a team has, until somebody is really on it."""
