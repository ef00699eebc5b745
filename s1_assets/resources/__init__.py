"""Where Dagster meets the adapters: settings, resources, IO manager, partitions, metadata."""
