"""Outside systems: one file per system, behind ports of the domain."""
