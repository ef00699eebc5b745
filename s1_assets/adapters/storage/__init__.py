"""Versioned Parquet tables on disk, S3 and GCS."""
