"""The domain of Sitrep: entities, rules and use cases; it knows nothing of Slack or the network."""
