"""The design's rules as tests; every rule is shown to find what it forbids."""
