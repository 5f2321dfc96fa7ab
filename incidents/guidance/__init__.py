"""Private guidance for responders who are still learning."""
