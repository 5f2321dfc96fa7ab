"""Exports of the timeline: one versioned record, written as Markdown, CSV or JSON."""
