"""Pure functions: no Dagster, no vendor, no network, no clock."""
