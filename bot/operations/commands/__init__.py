"""The commands of the command line, each in a module of its own.

Their modules import what is heavy only when they run, so that help and errors come at once.
"""
