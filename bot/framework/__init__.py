"""What a feature is made of: Feature, Request, Reply, live messages, forms."""
