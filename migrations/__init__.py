"""Alembic migrations; `runner` upgrades a database and compares its schema with the models."""
