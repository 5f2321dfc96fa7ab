"""Learning in incidents: shadows, debriefs and mentors."""
