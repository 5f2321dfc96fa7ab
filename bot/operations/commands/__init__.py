"""Commands of the `sitrep` command line, one per module.

They import heavy modules only when run, so that help and errors appear at once.
"""
