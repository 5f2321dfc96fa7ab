"""Everything of Sitrep that touches Slack, the web or the command line."""
