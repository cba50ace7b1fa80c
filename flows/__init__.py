"""The flow, its command line and its deployments: the only package that knows Prefect, and imports it late."""
