"""What comes back when somebody is called: from their pager, and as signs of work here."""
