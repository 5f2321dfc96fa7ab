"""Proposals: a risky step, the answer of somebody who may approve it, carrying it out."""
