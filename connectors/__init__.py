"""Connectors: each speaks to one platform and knows nothing of the application."""
