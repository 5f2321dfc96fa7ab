"""Stages and progress: changing a stage, proving it, recertification."""
