"""The only place where a vendor is imported: plain classes behind the ports, no Dagster."""
