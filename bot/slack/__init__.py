"""The Slack room: blocks, mentions, ids, rate limits and the one door to the Web API."""
