"""Strict fakes of the systems that wake people, as servers on loopback.

Each takes only what the real one takes, keeps keys as it does, can be told to fail, and has people
who answer.
"""
