"""The stages of taosha as plain functions over files and columns. Nothing here knows Prefect (see `flows`)."""
