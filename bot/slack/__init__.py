"""Everything specific to Slack: blocks, mentions, ids, rate limits, the Web API gateway."""
