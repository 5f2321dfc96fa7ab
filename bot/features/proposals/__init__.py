"""Proposals in Slack: cards, forms, answers."""
