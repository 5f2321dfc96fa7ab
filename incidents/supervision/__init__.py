"""Stages and progress: changing a stage, its proof, recertification."""
