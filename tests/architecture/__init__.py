"""The design's rules as tests; each rule is also tested on code that breaks it."""
