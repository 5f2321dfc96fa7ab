"""Operating the bot: startup, scheduler, health, telemetry, logs, doctor, manifest."""
