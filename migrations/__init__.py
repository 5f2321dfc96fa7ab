"""Alembic migrations; `runner` brings a database to head and compares it with the models."""
