"""The incident channel: opening, linking, archiving, membership, privacy."""
