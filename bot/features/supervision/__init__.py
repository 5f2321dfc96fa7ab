"""Stages and progress in Slack."""
