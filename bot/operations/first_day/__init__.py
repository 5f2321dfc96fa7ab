"""`sitrep init`: a short policy of one's own, from questions and from what Slack knows."""
