"""The building blocks of features: Feature, Request, Reply, live messages, forms."""
