"""Prove by force that nothing promised is lost, doubled or told out of order.

Each trial lets a crew work through the embedded Slack while something goes wrong, then waits until
all is well again and checks every promise. `python -m tests.chaos` runs them; a seed replays one.
"""
