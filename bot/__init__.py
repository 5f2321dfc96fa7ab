"""The parts of Sitrep that touch Slack, the web or the command line."""
