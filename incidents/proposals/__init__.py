"""Proposals: a risky step put to somebody, their answer, carrying it out."""
