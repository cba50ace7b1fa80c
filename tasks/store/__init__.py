"""Columns, schemas and files: how text and tables are held in memory and on disk."""
