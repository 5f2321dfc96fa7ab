"""Running it: doctor, health, manifest, telemetry, logs, scheduler, command line."""
