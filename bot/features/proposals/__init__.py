"""Proposals in Slack: cards, forms and answers."""
