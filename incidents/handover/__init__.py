"""Handover of an on-call shift, with a note and questions."""
