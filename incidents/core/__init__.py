"""The basics that every other package uses: clock, ids, times, errors, people, the hash chain."""
