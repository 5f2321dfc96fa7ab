"""Passing on an on-call shift, with a note and questions."""
