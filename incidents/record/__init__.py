"""Notes, marks, corrections and files that people put on the timeline; and the audit log."""
