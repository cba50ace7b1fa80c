"""Compiled loops over columns: numba, arrays in and arrays out, each with a slow twin in tests."""
