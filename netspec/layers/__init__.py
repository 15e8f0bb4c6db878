"""The layer catalogue: the only place that knows what a layer computes. Every module here is walked."""
