"""Notes, marks, corrections, files: what people add to the timeline; and the audit log."""
