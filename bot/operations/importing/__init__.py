"""`sitrep import`: a policy from what Opsgenie or PagerDuty exported."""
